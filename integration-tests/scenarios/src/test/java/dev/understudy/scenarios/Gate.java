package dev.understudy.scenarios;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A place where one thread is held until the test lets it go on. Thread-safe. */
final class Gate {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private final CountDownLatch arrived = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);

    /** Called by the thread that is held. */
    void pass() {
        arrived.countDown();
        await(open, "nobody opened the gate");
    }

    /** Waits until a thread is held here. */
    void awaitArrival() {
        await(arrived, "nobody came to the gate");
    }

    /** Lets the thread that is or will be held go on. */
    void open() {
        open.countDown();
    }

    /** Whether a thread has come here. */
    boolean isReached() {
        return arrived.getCount() == 0;
    }

    private static void await(CountDownLatch latch, String otherwise) {
        try {
            if (!latch.await(LIMIT.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new IllegalStateException(otherwise + " in " + LIMIT);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted at a gate", e);
        }
    }
}
