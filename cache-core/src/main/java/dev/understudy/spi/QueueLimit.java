package dev.understudy.spi;

import java.time.Duration;

/**
 * What a shard's queue of pending writes may hold.
 *
 * @param entries pending keys
 * @param bytes of their payloads together
 * @param age of the oldest
 */
public record QueueLimit(int entries, long bytes, Duration age) {
    private static final Duration LONG = Duration.ofDays(365);

    /** A limit on the number of keys only. */
    public static QueueLimit entries(int entries) {
        return new QueueLimit(entries, Long.MAX_VALUE, LONG);
    }

    /** Which of the three was reached. */
    public enum Reached {
        /** {@link QueueLimit#entries}. */
        ENTRIES,
        /** {@link QueueLimit#bytes}. */
        BYTES,
        /** {@link QueueLimit#age}. */
        AGE,
        /** The shared replica has no memory left. */
        MEMORY
    }
}
