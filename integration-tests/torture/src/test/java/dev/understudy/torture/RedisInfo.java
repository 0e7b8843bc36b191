package dev.understudy.torture;

import dev.understudy.servers.RedisServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** What a Redis says of itself. */
final class RedisInfo {
    private static final String USED_MEMORY = "used_memory:";

    private RedisInfo() {}

    /** Bytes that the server has allocated. */
    static long usedMemory(RedisServer server) throws IOException {
        try (Socket socket = new Socket(server.host(), server.port());
                BufferedReader reader =
                        new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
            socket.getOutputStream().write("INFO memory\r\n".getBytes(StandardCharsets.UTF_8));
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (line.startsWith(USED_MEMORY)) {
                    return Long.parseLong(line.substring(USED_MEMORY.length()).trim());
                }
            }
        }
        throw new IllegalStateException("INFO has no " + USED_MEMORY);
    }
}
