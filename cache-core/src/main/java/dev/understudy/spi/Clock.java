package dev.understudy.spi;

import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;

/** The time as the engine sees it, and waiting for it to pass; tests inject their own. Thread-safe. */
public interface Clock {
    /** The system's clocks. */
    Clock SYSTEM = new Clock() {
        @Override
        public long nanoTime() {
            return System.nanoTime();
        }

        @Override
        public Instant now() {
            return Instant.now();
        }
    };

    /** Monotonic nanoseconds from an arbitrary origin; compare by subtraction. */
    long nanoTime();

    /** Wall-clock time, for display and for estimating the offset to a server's clock. */
    Instant now();

    /** Waits for about so long, until the thread is unparked or until it is interrupted; may end early. */
    default void park(Object blocker, long nanos) {
        LockSupport.parkNanos(blocker, nanos);
    }

    /**
     * Waits for the future, at most so long.
     *
     * @throws TimeoutException if it is not complete by then
     */
    default <T> T await(CompletableFuture<T> future, long nanos)
            throws InterruptedException, ExecutionException, TimeoutException {
        return future.get(nanos, TimeUnit.NANOSECONDS);
    }

    /** Takes the lock, waiting for it at most so long; false if that was not long enough. */
    default boolean tryLock(Lock lock, long nanos) throws InterruptedException {
        return lock.tryLock(nanos, TimeUnit.NANOSECONDS);
    }
}
