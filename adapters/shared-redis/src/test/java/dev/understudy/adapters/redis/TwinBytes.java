package dev.understudy.adapters.redis;

import dev.understudy.spi.InMemoryEntry;
import dev.understudy.spi.InMemoryMeta;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** What the in-memory twin holds as the bytes that the scripts write for it, and these without what the twin does not know. */
final class TwinBytes {
    private static final int FIRST_BLOCK = 31;
    private static final int SECOND_BLOCK = 28;

    private TwinBytes() {}

    /** Without the second block that stays, empty, in front of the payload of an entry that has no use for it any more. */
    static byte @Nullable [] withoutEmptyBlock(byte @Nullable [] entry) {
        if (entry == null || (entry[0] & 8) != 0 || (entry[0] & 32) == 0) {
            return entry;
        }
        for (int i = FIRST_BLOCK; i < FIRST_BLOCK + SECOND_BLOCK; i++) {
            if (entry[i] != 0) {
                return entry;
            }
        }
        byte[] rest = Arrays.copyOf(entry, entry.length - SECOND_BLOCK);
        rest[0] = (byte) (rest[0] - 32);
        System.arraycopy(entry, FIRST_BLOCK + SECOND_BLOCK, rest, FIRST_BLOCK, rest.length - FIRST_BLOCK);
        return rest;
    }

    /** Without the bound of the oldest, which the twin has no use for: its queue says it at no cost. */
    static byte @Nullable [] withoutOldest(byte @Nullable [] meta) {
        return meta == null ? null : Arrays.copyOf(meta, meta.length - Long.BYTES);
    }

    /** The meta record. */
    static byte[] of(InMemoryMeta meta) {
        long[] fields = meta.fields();
        ByteBuffer out = ByteBuffer.allocate(84).putInt((int) fields[0]);
        Arrays.stream(fields).skip(1).forEach(out::putLong);
        return out.array();
    }

    /** The entry. */
    static byte[] of(InMemoryEntry e) {
        int flags = e.kind().code() + (e.dirty() ? 8 : 0) + (e.hasSecondBlock() ? 32 : 0) + (e.own() ? 64 : 0);
        ByteBuffer out = ByteBuffer.allocate(FIRST_BLOCK + SECOND_BLOCK + e.payload().length)
                .put((byte) flags)
                .putInt((int) e.generation())
                .putLong(e.version())
                .putLong(e.writeId())
                .putShort((short) e.markers())
                .putLong(e.markerDeadline());
        if (e.hasSecondBlock()) {
            out.putLong(e.forgottenAt())
                    .putLong(e.first())
                    .putLong(e.second())
                    .putInt(e.dirty() ? e.payload().length : 0);
        }
        out.put(e.payload());
        return Arrays.copyOf(out.array(), out.position());
    }
}
