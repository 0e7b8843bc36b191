package dev.understudy.servers;

import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** What a proxy does later, in the order in which it is due, in one daemon thread that exists while something is. Thread-safe. */
final class LateMessages implements AutoCloseable {
    private static final Duration IDLE = Duration.ofMillis(100);

    private final ScheduledThreadPoolExecutor executor;

    LateMessages(String threadName) {
        executor = new ScheduledThreadPoolExecutor(1, work -> {
            Thread thread = new Thread(work, threadName);
            thread.setDaemon(true);
            return thread;
        });
        executor.setKeepAliveTime(IDLE.toMillis(), TimeUnit.MILLISECONDS);
        executor.allowCoreThreadTimeOut(true);
    }

    @SuppressWarnings("FutureReturnValueIgnored") // what is done later says itself what is wrong
    void in(Duration delay, Runnable work) {
        executor.schedule(work, delay.toNanos(), TimeUnit.NANOSECONDS);
    }

    /** Forgets what is not done yet. */
    @Override
    public void close() {
        executor.shutdownNow();
    }
}
