package dev.understudy.servers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** A connection that sends inline commands and reads one-line replies; enough for the launcher's own tests. */
final class RedisClient implements AutoCloseable {
    private final Socket socket;
    private final BufferedReader reader;

    RedisClient(String host, int port) throws IOException {
        socket = new Socket(host, port);
        socket.setSoTimeout(30_000);
        reader = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    }

    RedisClient(TestServer server) throws IOException {
        this(server.host(), server.port());
    }

    String call(String command) throws IOException {
        send(command);
        return receive();
    }

    void send(String command) throws IOException {
        socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
    }

    String receive() throws IOException {
        String line = reader.readLine();
        if (line == null) {
            throw new IOException("the connection was closed");
        }
        return line.startsWith("$") && !line.equals("$-1") ? reader.readLine() : line;
    }

    /** How long {@link #receive} waits from now on. */
    void timeout(int millis) throws IOException {
        socket.setSoTimeout(millis);
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
