package dev.understudy.benchmarks;

import dev.understudy.CachedRepository;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;

/** The age of the oldest pending write, looked at every {@value #PAUSE_MILLIS} ms on a thread of its own until closed. */
final class LagSamples implements AutoCloseable {
    private static final int PAUSE_MILLIS = 20;

    private final Histogram micros = new Histogram(3);
    private final AtomicBoolean isOver = new AtomicBoolean();
    private final Thread thread;

    LagSamples(CachedRepository<?, ?> repository) {
        thread = new Thread(() -> sample(repository), "bench-lag");
        thread.setDaemon(true);
        thread.start();
    }

    private void sample(CachedRepository<?, ?> repository) {
        while (!isOver.get()) {
            micros.recordValue(repository.lag().oldest().toNanos() / 1_000);
            LockSupport.parkNanos(Duration.ofMillis(PAUSE_MILLIS).toNanos());
        }
    }

    /** Ends the samples; their 99th percentile. */
    double p99Millis() {
        close();
        return micros.getValueAtPercentile(99) / 1e3;
    }

    @Override
    public void close() {
        isOver.set(true);
        try {
            thread.join();
        } catch (InterruptedException e) { // it is a daemon and ends by itself
            Thread.currentThread().interrupt();
        }
    }
}
