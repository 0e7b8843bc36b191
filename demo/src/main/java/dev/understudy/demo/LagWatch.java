package dev.understudy.demo;

import dev.understudy.CachedRepository;
import dev.understudy.model.Lag;
import dev.understudy.model.UnderstudyException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Looks at the lag of the primary ten times a second and remembers the largest. Thread-safe. */
final class LagWatch {
    private static final long EVERY_MILLIS = 100;

    private final CachedRepository<Long, Product> products;
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "demo-lag");
        thread.setDaemon(true);
        return thread;
    });
    private volatile Lag largest = new Lag(0, Duration.ZERO, 0);

    /** Starts to look. */
    LagWatch(CachedRepository<Long, Product> products) {
        this.products = products;
        clock.scheduleWithFixedDelay(this::look, EVERY_MILLIS, EVERY_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void look() {
        Lag now;
        try {
            now = products.lag();
        } catch (UnderstudyException e) {
            // The next look tells.
            return;
        }
        Lag before = largest;
        largest = new Lag(
                Math.max(before.entries(), now.entries()),
                before.oldest().compareTo(now.oldest()) > 0 ? before.oldest() : now.oldest(),
                Math.max(before.bytes(), now.bytes()));
    }

    /** Stops looking; the most entries and the highest age seen, each for itself. */
    Lag stop() {
        clock.shutdownNow();
        return largest;
    }
}
