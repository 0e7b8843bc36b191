package dev.understudy.engine;

import dev.understudy.spi.Clock;
import dev.understudy.spi.Pending;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Pending rows whose foreign keys do not hold at the primary yet, for want of a parent or for a child, and since when. Confined to the drain's thread. At most {@link #LIMIT}; one that
 * falls out is waited for anew.
 */
final class Orphans {
    private static final int LIMIT = 10_000;

    private final Clock clock;
    private final Duration patience;
    private final Map<String, Long> since = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Long> eldest) {
            return size() > LIMIT;
        }
    };

    Orphans(Clock clock, Duration patience) {
        this.clock = clock;
        this.patience = patience;
    }

    /** Notes that the row's foreign key does not hold; answers whether that has lasted for too long. */
    boolean isPatienceOver(Pending pending) {
        long now = clock.nanoTime();
        long first = since.computeIfAbsent(pending.key().text(), key -> now);
        if (now - first < patience.toNanos()) {
            return false;
        }
        since.remove(pending.key().text());
        return true;
    }
}
