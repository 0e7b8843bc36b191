package dev.understudy.engine;

import dev.understudy.spi.Clock;
import dev.understudy.spi.Pending;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Pending rows whose foreign keys do not hold at the primary yet, for want of a parent or for a child, and since when. Confined to the
 * drain's thread. At most {@link #LIMIT}; one that falls out is waited for anew, and so is one that nobody looked at for {@link #FORGOTTEN}
 * longer than the patience: another instance has drained it meanwhile.
 */
final class Orphans {
    private static final int LIMIT = 10_000;
    /** More than the longest pause between two rounds of the drain. */
    private static final Duration FORGOTTEN = Duration.ofSeconds(10);

    private final Clock clock;
    private final Duration patience;
    private final Map<String, Wait> waits = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Wait> eldest) {
            return size() > LIMIT;
        }
    };

    Orphans(Clock clock, Duration patience) {
        this.clock = clock;
        this.patience = patience;
    }

    /** When the foreign key was found not to hold at first, and last. */
    private record Wait(long first, long last) {}

    /** Notes that the row's foreign key does not hold; answers whether that has lasted for too long. */
    boolean isPatienceOver(Pending pending) {
        String key = pending.key().text();
        long now = clock.nanoTime();
        Wait before = waits.getOrDefault(key, new Wait(now, now));
        boolean isAnew = now - before.last() > patience.plus(FORGOTTEN).toNanos();
        Wait wait = new Wait(isAnew ? now : before.first(), now);
        if (now - wait.first() < patience.toNanos()) {
            waits.put(key, wait);
            return false;
        }
        waits.remove(key);
        return true;
    }

    /** The entry was written, superseded or buried: a later one of its key is waited for anew. */
    void settled(Pending pending) {
        waits.remove(pending.key().text());
    }
}
