package dev.understudy.adapters.redis;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.Version;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.SharedEntry;
import java.nio.ByteBuffer;

/**
 * The bytes of an entry as the scripts write them, big endian; {@code prelude.lua} documents every field.
 *
 * <pre>
 * at 0   flags 1: bits 0-2 kind, 3 dirty, 5 second block, 6 own; the others are 0
 * at 1   generation 4, version 8, writeId 8, markers 2, their deadline 8
 * at 31  second block 28: forgottenAt 8; dirty: base 8, cv 8, clean: leaseId 8, leaseDeadline 8; dirty: bytes of the payload 4.
 *        A clean entry may keep one that is all 0
 * then   payload
 * </pre>
 */
final class EntryLayout {
    /** Bytes of META in front of the counters: generation 4, position 8. */
    static final int POSITION_BYTES = 12;
    /** Bytes of META in front of its counter of acknowledged writes. */
    private static final int ACKED = 28;

    private static final int META_BYTES = 92;

    private static final int FIRST_BLOCK = 31;
    private static final int SECOND_BLOCK = 28;
    private static final int KIND = 7;
    private static final int DIRTY = 8;
    private static final int UNUSED = 16;
    private static final int HAS_SECOND_BLOCK = 32;
    private static final int OWN = 64;

    private EntryLayout() {}

    /**
     * The entry in those bytes; its payload stays where it is.
     *
     * @param bytes kept, not copied: the caller gives them away
     * @throws IllegalArgumentException if they are no entry; the message tells only lengths and flags
     */
    static SharedEntry decode(byte[] bytes) {
        int flags = bytes.length == 0 ? 0 : bytes[0];
        boolean hasSecondBlock = (flags & HAS_SECOND_BLOCK) != 0;
        int offset = FIRST_BLOCK + (hasSecondBlock ? SECOND_BLOCK : 0);
        if (flags < 0 || (flags & UNUSED) != 0 || bytes.length < offset) {
            throw new IllegalArgumentException("no entry: " + bytes.length + " bytes, flags " + flags);
        }
        boolean dirty = (flags & DIRTY) != 0;
        ByteBuffer buffer = ByteBuffer.wrap(bytes, 1, bytes.length - 1);
        Generation generation = new Generation(buffer.getInt() & 0xFFFF_FFFFL);
        Version version = version(buffer.getLong());
        long writeId = buffer.getLong();
        int writers = buffer.getShort() & 0xFFFF;
        long deadline = buffer.getLong();
        Version base = Version.ABSENT;
        if (dirty && hasSecondBlock) {
            buffer.getLong(); // forgottenAt
            base = version(buffer.getLong());
        }
        return new SharedEntry(
                EntryKind.ofCode(flags & KIND),
                dirty,
                generation,
                version,
                writeId,
                writers,
                deadline,
                base,
                bytes,
                offset,
                bytes.length - offset);
    }

    /**
     * Generation and position in the bytes of a meta record.
     *
     * @throws IllegalArgumentException if they are none
     */
    static Position position(byte[] meta) {
        if (meta.length < POSITION_BYTES) {
            throw new IllegalArgumentException("no meta record: " + meta.length + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.wrap(meta);
        return new Position(new Generation(buffer.getInt() & 0xFFFF_FFFFL), buffer.getLong());
    }

    /**
     * How many keys the shard's queue holds, from the counters of a meta record.
     *
     * @throws IllegalArgumentException if it is none
     */
    static long queued(byte[] meta) {
        if (meta.length < META_BYTES) {
            throw new IllegalArgumentException("no meta record: " + meta.length + " bytes");
        }
        ByteBuffer buffer = ByteBuffer.wrap(meta, ACKED, META_BYTES - ACKED);
        long acked = buffer.getLong();
        long applied = buffer.getLong();
        long superseded = buffer.getLong();
        long dead = buffer.getLong();
        long lost = buffer.getLong();
        long hollow = buffer.getLong();
        return acked - applied - superseded - dead - lost + hollow;
    }

    private static Version version(long value) {
        if (value < 0 || value > Version.UNKNOWN.value()) {
            throw new IllegalArgumentException("no entry: a version of 2^53 or more");
        }
        return new Version(value);
    }

    /** Whether the entry is pending and carries an acknowledged write-back that no counter accounts for yet. */
    static boolean isOwn(byte[] bytes) {
        return bytes.length > 0 && (bytes[0] & OWN) != 0;
    }
}
