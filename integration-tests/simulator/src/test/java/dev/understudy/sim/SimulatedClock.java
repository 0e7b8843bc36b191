package dev.understudy.sim;

import dev.understudy.spi.Clock;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Lock;

/** The scheduler's time as one machine shows it: the wall clock may be wrong and jump. Confined to the running actor. */
final class SimulatedClock implements Clock {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private static final long EARLY = 4_000_000;

    private final Scheduler scheduler;
    private long wrongNanos;

    SimulatedClock(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    /** Sets how wrong the wall clock is. */
    void wrong(long nanos) {
        wrongNanos = nanos;
    }

    @Override
    public long nanoTime() {
        return scheduler.now();
    }

    @Override
    public Instant now() {
        return START.plusNanos(scheduler.now() + wrongNanos);
    }

    @Override
    public void park(Object blocker, long nanos) {
        // Ends early, as it may: whoever unparks a thread cannot reach its actor.
        scheduler.await(() -> false, Math.min(nanos, EARLY));
    }

    @Override
    public <T> T await(CompletableFuture<T> future, long nanos)
            throws InterruptedException, ExecutionException, TimeoutException {
        if (!future.isDone() && !scheduler.await(future::isDone, nanos)) {
            throw new TimeoutException();
        }
        return future.get();
    }

    @Override
    public boolean tryLock(Lock lock, long nanos) {
        long end = scheduler.now() + nanos;
        while (!lock.tryLock()) {
            if (scheduler.now() >= end) {
                return false;
            }
            scheduler.await(() -> false, Math.min(EARLY, end - scheduler.now()));
        }
        return true;
    }
}
