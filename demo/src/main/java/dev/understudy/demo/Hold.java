package dev.understudy.demo;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Stops a thread between reading a row and filling a cache with it, until it is told to go on: the slow moment of a late fill, on demand.
 * Thread-safe.
 */
final class Hold {
    private static final ThreadLocal<@Nullable Hold> OF_THREAD = new ThreadLocal<>();
    private static final long LIMIT_SECONDS = 10;

    private final CountDownLatch reached = new CountDownLatch(1);
    private final CountDownLatch released = new CountDownLatch(1);
    private volatile boolean isHeld;

    /** Runs the work; the first row that this thread reads meanwhile is held. */
    <T> T during(Supplier<T> work) {
        OF_THREAD.set(this);
        try {
            return work.get();
        } finally {
            OF_THREAD.remove();
            reached.countDown();
        }
    }

    /** To be called by whoever has read a row and is about to fill a cache with it. */
    static void afterRead() {
        Hold hold = OF_THREAD.get();
        if (hold != null) {
            OF_THREAD.remove();
            hold.isHeld = true;
            hold.reached.countDown();
            await(hold.released);
        }
    }

    /** Waits until a row is held, or the work has ended without reading one; answers whether one is held. */
    boolean awaitReached() {
        await(reached);
        return isHeld;
    }

    /** Lets the thread go on. */
    void release() {
        released.countDown();
    }

    private static void await(CountDownLatch latch) {
        try {
            if (!latch.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("a held load did not get on within " + LIMIT_SECONDS + " s");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
