package dev.understudy.engine;

import dev.understudy.model.Invalid;
import dev.understudy.spi.Codec.ValueCodec;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * What stands in front of an encoded value in the shared replica: format (1 byte, 1), CRC-32C of the rest (4 bytes, big endian), then the
 * codec's bytes. Thread-safe.
 */
final class Envelope<V> {
    private static final byte FORMAT = 1;
    private static final int HEADER = 5;

    private final ValueCodec<V> codec;
    private final int maximumBytes;
    private final Counters counters;

    Envelope(ValueCodec<V> codec, int maximumBytes, Counters counters) {
        this.codec = codec;
        this.maximumBytes = maximumBytes;
        this.counters = counters;
    }

    /** The bytes of a value. Refuses a value that the codec refuses or that is over the limit. */
    byte[] seal(V value) {
        byte[] body;
        try {
            body = codec.encode(value);
        } catch (Exception e) {
            // The codec's message may quote the value; only its type is passed on.
            throw new Invalid("the codec refused a value: " + e.getClass().getName());
        }
        if (body.length > maximumBytes) {
            throw new Invalid("a value of " + body.length + " bytes is over maximumValueBytes = " + maximumBytes);
        }
        byte[] sealed = new byte[HEADER + body.length];
        System.arraycopy(body, 0, sealed, HEADER, body.length);
        int checksum = checksum(sealed, HEADER, body.length);
        sealed[0] = FORMAT;
        for (int i = 0; i < 4; i++) {
            sealed[1 + i] = (byte) (checksum >>> (24 - 8 * i));
        }
        return sealed;
    }

    /** The value in the bytes; empty, and counted, if they are not of this form or type: a miss. */
    Optional<V> open(byte[] bytes, int offset, int length) {
        if (length < HEADER || bytes[offset] != FORMAT) {
            counters.undecodable.increment();
            return Optional.empty();
        }
        int checksum = 0;
        for (int i = 0; i < 4; i++) {
            checksum = (checksum << 8) | (bytes[offset + 1 + i] & 0xff);
        }
        if (checksum != checksum(bytes, offset + HEADER, length - HEADER)) {
            counters.undecodable.increment();
            return Optional.empty();
        }
        try {
            return Optional.of(codec.decode(bytes, offset + HEADER, length - HEADER));
        } catch (Exception e) {
            // Written by another version of the application, most likely: the caller loads or holds the entry.
            counters.undecodable.increment();
            return Optional.empty();
        }
    }

    private static int checksum(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset, length);
        return (int) crc.getValue();
    }
}
