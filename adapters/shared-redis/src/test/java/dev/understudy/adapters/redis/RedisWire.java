package dev.understudy.adapters.redis;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A blocking RESP3 connection for the simulator: no threads, so that a schedule is a function of its seed. Announcements that
 * arrive on it are kept until taken. Not thread-safe.
 *
 * <p>Requests are String, byte[], Long or Integer; replies String (status), byte[], Long, List or null.
 */
final class RedisWire implements AutoCloseable {
    /** The server answered with an error. */
    static final class ErrorReply extends RuntimeException {
        private static final long serialVersionUID = 1L;

        ErrorReply(String message) {
            super(message);
        }
    }

    private final Socket socket;
    private final InputStream in;
    private final OutputStream out;
    private final Deque<String> messages = new ArrayDeque<>();

    RedisWire(String host, int port) {
        try {
            socket = new Socket(host, port);
            socket.setTcpNoDelay(true);
            socket.setSoTimeout(30_000);
            in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
            out = new BufferedOutputStream(socket.getOutputStream(), 1 << 16);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        call("HELLO", "3");
    }

    /** Sends a command and waits for its reply. */
    @Nullable
    Object call(Object... command) {
        return pipeline(List.<Object[]>of(command)).get(0);
    }

    /** Sends all commands, then reads their replies. The first error is thrown, after all were read. */
    List<@Nullable Object> pipeline(List<Object[]> commands) {
        try {
            for (Object[] command : commands) {
                line('*', command.length);
                for (Object part : command) {
                    byte[] bytes =
                            part instanceof byte[] b ? b : part.toString().getBytes(StandardCharsets.UTF_8);
                    line('$', bytes.length);
                    out.write(bytes);
                    out.write('\r');
                    out.write('\n');
                }
            }
            out.flush();
            List<@Nullable Object> replies = new ArrayList<>(commands.size());
            for (int i = 0; i < commands.size(); i++) {
                replies.add(reply());
            }
            for (Object reply : replies) {
                if (reply instanceof ErrorReply error) {
                    throw error;
                }
            }
            return replies;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Subscribes to a channel; RESP3 confirms with a push, not with a reply. */
    void subscribe(String channel) {
        try {
            write("SUBSCRIBE", channel);
            call("PING");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The oldest announcement not yet taken, or null. */
    @Nullable
    String takeMessage() {
        return messages.poll();
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void write(Object... command) throws IOException {
        line('*', command.length);
        for (Object part : command) {
            byte[] bytes = part instanceof byte[] b ? b : part.toString().getBytes(StandardCharsets.UTF_8);
            line('$', bytes.length);
            out.write(bytes);
            out.write('\r');
            out.write('\n');
        }
    }

    private void line(char type, long number) throws IOException {
        out.write(type);
        out.write(Long.toString(number).getBytes(StandardCharsets.US_ASCII));
        out.write('\r');
        out.write('\n');
    }

    private @Nullable Object reply() throws IOException {
        while (true) {
            int type = in.read();
            String line = readLine();
            switch (type) {
                case '>' -> received(items(Integer.parseInt(line)));
                case '+', ',' -> {
                    return line;
                }
                case '-' -> {
                    return new ErrorReply(line);
                }
                case ':' -> {
                    return Long.valueOf(line);
                }
                case '_' -> {
                    return null;
                }
                case '$', '=' -> {
                    return bulk(Integer.parseInt(line));
                }
                case '*' -> {
                    return items(Integer.parseInt(line));
                }
                case '%' -> {
                    return items(2 * Integer.parseInt(line));
                }
                default -> throw new IOException("unexpected reply type " + type);
            }
        }
    }

    private void received(List<@Nullable Object> push) {
        if (push.get(0) instanceof byte[] kind
                && new String(kind, StandardCharsets.US_ASCII).equals("message")
                && push.get(2) instanceof byte[] text) {
            messages.add(new String(text, StandardCharsets.UTF_8));
        }
    }

    private List<@Nullable Object> items(int count) throws IOException {
        List<@Nullable Object> items = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            items.add(reply());
        }
        return items;
    }

    private byte @Nullable [] bulk(int length) throws IOException {
        if (length < 0) {
            return null;
        }
        byte[] bytes = in.readNBytes(length);
        if (bytes.length < length || in.read() != '\r' || in.read() != '\n') {
            throw new EOFException("the server closed the connection");
        }
        return bytes;
    }

    private String readLine() throws IOException {
        StringBuilder line = new StringBuilder();
        for (int c = in.read(); c != '\r'; c = in.read()) {
            if (c < 0) {
                throw new EOFException("the server closed the connection");
            }
            line.append((char) c);
        }
        in.read();
        return line.toString();
    }
}
