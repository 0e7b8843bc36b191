package dev.understudy.engine;

import dev.understudy.spi.Clock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the log of a drain's failures in a row: of the first, then every half minute, and of their end. Confined to the drain's thread. */
final class FailureLog {
    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);
    private static final long EVERY_NANOS = 30_000_000_000L;

    private final Clock clock;
    private final String cache;
    private long toldAt;
    private int count;

    FailureLog(Clock clock, String cache) {
        this.clock = clock;
        this.cache = cache;
    }

    void warn(@Nullable String why) {
        long now = clock.nanoTime();
        if (count++ == 0 || now - toldAt > EVERY_NANOS) {
            toldAt = now;
            LOG.warn("drain of {} failed and is retried ({} in a row): {}", cache, count, why);
        }
    }

    void ended() {
        if (count > 0) {
            LOG.info("drain of {} goes on after {} failures", cache, count);
            count = 0;
        }
    }
}
