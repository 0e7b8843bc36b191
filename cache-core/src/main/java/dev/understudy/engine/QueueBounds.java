package dev.understudy.engine;

import dev.understudy.spi.QueueLimit;

/** The bounds of a repository's queue of pending writes. Stateless. */
final class QueueBounds {
    /** Of pending payloads, unless told; less on a small shared replica. */
    private static final long DEFAULT_BYTES = 64L << 20;

    private QueueBounds() {}

    /** The bounds of the repository, spread evenly over its shards. */
    static QueueLimit of(CacheContext<?, ?> context) {
        RepositorySettings.Back back = context.settings.back();
        int shards = context.settings.shards();
        long memory = context.replica.memoryLimit().orElse(Long.MAX_VALUE);
        long bytes = back.maximumBytes().orElse(Math.min(DEFAULT_BYTES, memory / 10));
        return new QueueLimit(
                Math.max(1, back.maximumPending() / shards), Math.max(1, bytes / shards), back.maximumLag());
    }

    /** The setting whose bound was reached. */
    static String name(QueueLimit.Reached reached) {
        return switch (reached) {
            case ENTRIES -> "back.maximumPending";
            case BYTES -> "back.maximumBytes";
            case AGE -> "back.maximumLag";
            case MEMORY -> "maxmemory";
        };
    }
}
