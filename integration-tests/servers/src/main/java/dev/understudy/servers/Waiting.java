package dev.understudy.servers;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Bounded polling of what the operating system does not announce. */
final class Waiting {
    private static final long STEP_NANOS = Duration.ofMillis(10).toNanos();

    private Waiting() {}

    /** Whether {@code condition} became true within {@code limit}; an interrupt ends the wait and stays set. */
    static boolean until(Duration limit, BooleanSupplier condition) {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - end >= 0 || Thread.currentThread().isInterrupted()) {
                return false;
            }
            LockSupport.parkNanos(STEP_NANOS);
        }
        return true;
    }
}
