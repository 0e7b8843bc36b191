package dev.understudy.engine;

import dev.understudy.model.Invalid;
import dev.understudy.spi.Codec;
import dev.understudy.spi.Codec.ValueCodec;
import dev.understudy.spi.SharedEntry;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.CRC32C;

/**
 * What stands in front of an encoded value in the shared replica: format (1 byte, 2), columns (4 bytes), CRC-32C of the columns and the rest
 * (4 bytes), then the codec's bytes; numbers big endian. Thread-safe.
 *
 * <p>Columns are a CRC-32C of the parts' names, sorted, 0 where the codec does not name parts. Equal columns mean that writer and reader
 * know the same, without looking into the value; other ones are looked at name by name, which only a rolling deploy costs.
 */
final class Envelope<V> {
    private static final byte FORMAT = 2;
    private static final int HEADER = 9;
    /** Format and columns. */
    private static final int HEAD = 5;

    private final ValueCodec<V> codec;
    private final Set<String> names;
    private final int columns;
    private final int maximumBytes;
    private final Counters counters;

    Envelope(ValueCodec<V> codec, int maximumBytes, Counters counters) {
        this.codec = codec;
        this.names = codec.names();
        this.columns = columns(names);
        this.maximumBytes = maximumBytes;
        this.counters = counters;
    }

    private static int columns(Collection<String> names) {
        CRC32C crc = new CRC32C();
        for (String name : new TreeSet<>(names)) {
            crc.update(name.getBytes(StandardCharsets.UTF_8));
            crc.update(0);
        }
        return (int) crc.getValue();
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
        return sealed(body, columns);
    }

    private byte[] sealed(byte[] body, int columns) {
        if (body.length > maximumBytes) {
            throw new Invalid("a value of " + body.length + " bytes is over maximumValueBytes = " + maximumBytes);
        }
        byte[] sealed = new byte[HEADER + body.length];
        System.arraycopy(body, 0, sealed, HEADER, body.length);
        sealed[0] = FORMAT;
        write(sealed, 1, columns);
        write(sealed, HEAD, checksum(sealed, 0, sealed.length));
        return sealed;
    }

    /** What sealed values with this type's columns begin with; empty if the codec does not name parts. */
    Optional<byte[]> head() {
        if (names.isEmpty()) {
            return Optional.empty();
        }
        byte[] head = new byte[HEAD];
        head[0] = FORMAT;
        write(head, 1, columns);
        return Optional.of(head);
    }

    /** The value in the bytes; empty, and counted, if they are not of this form or type, or lack a column of the type: a miss. */
    Optional<V> open(byte[] bytes, int offset, int length) {
        if (!isSound(bytes, offset, length)) {
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

    /** Whether the value has this type's columns, no more and no less. */
    boolean hasOwnColumns(byte[] bytes, int offset, int length) {
        return length >= HEADER && bytes[offset] == FORMAT && read(bytes, offset + 1) == columns;
    }

    /**
     * The parts of a value of another version of the application that had fewer columns; empty if it has a column that this version does not
     * know, or does not decode.
     */
    Optional<Codec.Parts> parts(byte[] bytes, int offset, int length) {
        if (names.isEmpty() || !isSound(bytes, offset, length)) {
            return Optional.empty();
        }
        try {
            Codec.Parts parts = codec.parts(bytes, offset + HEADER, length - HEADER);
            return names.containsAll(parts.names()) ? Optional.of(parts) : Optional.empty();
        } catch (Exception e) {
            // Another version of the application can read it, or none.
            return Optional.empty();
        }
    }

    /** Whether the value has all of this type's columns, and perhaps more. */
    boolean lacksNone(byte[] bytes, int offset, int length) {
        return names.isEmpty()
                || hasOwnColumns(bytes, offset, length)
                || parts(bytes, offset, length)
                        .filter(parts -> parts.names().containsAll(names))
                        .isPresent();
    }

    /** Whether writing this version's columns over the value would lose one, or that cannot be told. */
    boolean losesColumns(byte[] bytes, int offset, int length) {
        boolean isPlain = names.isEmpty() || hasOwnColumns(bytes, offset, length);
        return !isPlain && parts(bytes, offset, length).isEmpty();
    }

    /** The newer value, with the columns of the entry's that it does not have; empty if either does not decode. */
    Optional<byte[]> carryOn(SharedEntry older, byte[] newer) {
        if (!isSound(older.bytes(), older.offset(), older.length())) {
            return Optional.empty();
        }
        try {
            byte[] past = Arrays.copyOfRange(older.bytes(), older.offset() + HEADER, older.offset() + older.length());
            byte[] body = codec.merge(past, Arrays.copyOfRange(newer, HEADER, newer.length));
            Set<String> both = new HashSet<>(codec.parts(body, 0, body.length).names());
            return Optional.of(sealed(body, columns(both)));
        } catch (Invalid e) {
            throw e;
        } catch (Exception e) {
            // What cannot be taken apart cannot be carried on; the caller leaves the entry alone.
            return Optional.empty();
        }
    }

    private static boolean isSound(byte[] bytes, int offset, int length) {
        return length >= HEADER
                && bytes[offset] == FORMAT
                && read(bytes, offset + HEAD) == checksum(bytes, offset, length);
    }

    private static void write(byte[] bytes, int offset, int number) {
        for (int i = 0; i < 4; i++) {
            bytes[offset + i] = (byte) (number >>> (24 - 8 * i));
        }
    }

    private static int read(byte[] bytes, int offset) {
        int number = 0;
        for (int i = 0; i < 4; i++) {
            number = (number << 8) | (bytes[offset + i] & 0xff);
        }
        return number;
    }

    private static int checksum(byte[] bytes, int offset, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, offset + 1, 4);
        crc.update(bytes, offset + HEADER, length - HEADER);
        return (int) crc.getValue();
    }
}
