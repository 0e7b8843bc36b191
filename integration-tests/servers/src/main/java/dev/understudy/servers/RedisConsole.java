package dev.understudy.servers;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** Commands of the test's own to a Redis, past the library: a line to it, a line or a text back. Not thread-safe. */
public final class RedisConsole implements AutoCloseable {
    private final Socket socket;
    private final BufferedReader reader;

    /** Connects. */
    public RedisConsole(RedisServer server) {
        try {
            socket = new Socket(server.host(), server.port());
            reader = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException("no connection to " + server.description(), e);
        }
    }

    /** Sends a command without blanks in its words; answers its status, number or text. */
    public String call(String line) {
        try {
            socket.getOutputStream().write((line + "\r\n").getBytes(StandardCharsets.UTF_8));
            String answer = String.valueOf(reader.readLine());
            if (answer.startsWith("-")) {
                throw new IllegalStateException(line + ": " + answer);
            }
            if (!answer.startsWith("$")) {
                return answer.substring(1);
            }
            char[] text = new char[Integer.parseInt(answer.substring(1)) + 2];
            for (int read = 0; read < text.length; ) {
                read += reader.read(text, read, text.length - read);
            }
            return new String(text, 0, text.length - 2);
        } catch (IOException e) {
            throw new UncheckedIOException(line, e);
        }
    }

    /** A field of INFO. */
    public String info(String section, String field) {
        return call("INFO " + section)
                .lines()
                .filter(line -> line.startsWith(field + ":"))
                .map(line -> line.substring(field.length() + 1).trim())
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("INFO " + section + " has no " + field));
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException("closing the console", e);
        }
    }
}
