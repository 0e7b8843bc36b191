package dev.understudy.servers;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/**
 * Cuts a stream of Redis' replies into whole frames. Not thread-safe. Source: the serialization protocol RESP2 and RESP3,
 * redis.io/docs/latest/develop/reference/protocol-spec; streamed types, which no server sends, are not known.
 */
final class RespFrames {
    private static final byte[] TOLD = "3\r\n$7\r\nmessage\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] SUBSCRIBED = "3\r\n$9\r\nsubscribe\r\n".getBytes(StandardCharsets.US_ASCII);
    private static final int INCOMPLETE = -1;

    private byte[] bytes = new byte[1 << 12];
    private int begin;
    private int end;

    /** Takes the next bytes of the stream. */
    void add(byte[] chunk, int length) {
        if (end + length > bytes.length) {
            byte[] rest = Arrays.copyOfRange(bytes, begin, end);
            bytes = Arrays.copyOf(rest, Math.max(bytes.length, 2 * (rest.length + length)));
            end = rest.length;
            begin = 0;
        }
        System.arraycopy(chunk, 0, bytes, end, length);
        end += length;
    }

    /** The next frame, if all of it has come. */
    Optional<byte[]> next() {
        int after = after(begin);
        if (after == INCOMPLETE) {
            return Optional.empty();
        }
        byte[] frame = Arrays.copyOfRange(bytes, begin, after);
        begin = after;
        return Optional.of(frame);
    }

    /** Whether a frame is a message of a channel. */
    static boolean isMessage(byte[] frame) {
        return begins(frame, TOLD);
    }

    /** Whether a frame says that a channel is listened to from now on. */
    static boolean isSubscription(byte[] frame) {
        return begins(frame, SUBSCRIBED);
    }

    private static boolean begins(byte[] frame, byte[] how) {
        return frame.length > how.length
                && (frame[0] == '*' || frame[0] == '>')
                && Arrays.equals(frame, 1, 1 + how.length, how, 0, how.length);
    }

    /** Where the frame ends that begins at a place. */
    private int after(int at) {
        int line = afterLine(at);
        if (line == INCOMPLETE) {
            return INCOMPLETE;
        }
        return switch (bytes[at]) {
            case '$', '=', '!' -> afterBulk(line, count(at, line));
            case '*', '~', '>' -> afterAll(line, count(at, line));
            case '%' -> afterAll(line, 2 * count(at, line));
            case '|' -> afterAll(line, 2 * count(at, line) + 1);
            case '+', '-', ':', '_', '#', ',', '(' -> line;
            default -> throw new IllegalStateException("no reply of Redis begins with byte " + bytes[at]);
        };
    }

    private int afterLine(int at) {
        for (int i = at + 1; i < end; i++) {
            if (bytes[i] == '\n' && bytes[i - 1] == '\r') {
                return i + 1;
            }
        }
        return INCOMPLETE;
    }

    private int afterBulk(int at, int length) {
        int after = length < 0 ? at : at + length + 2;
        return after > end ? INCOMPLETE : after;
    }

    private int afterAll(int at, int count) {
        int after = at;
        for (int i = 0; i < count && after != INCOMPLETE; i++) {
            after = after(after);
        }
        return after;
    }

    /** The number between a frame's first byte and the end of its line; -1 for nothing. */
    private int count(int at, int line) {
        return Integer.parseInt(new String(bytes, at + 1, line - at - 3, StandardCharsets.US_ASCII));
    }
}
