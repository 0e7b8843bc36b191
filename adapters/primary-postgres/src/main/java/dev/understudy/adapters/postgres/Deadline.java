package dev.understudy.adapters.postgres;

import java.time.Duration;

/** A point in time after which a call must have ended. Immutable. */
record Deadline(long nanoTime) {
    static Deadline after(Duration timeout) {
        long nanos = timeout.compareTo(Duration.ofDays(365)) > 0
                ? Duration.ofDays(365).toNanos()
                : timeout.toNanos();
        return new Deadline(System.nanoTime() + nanos);
    }

    /** Nanoseconds left; zero or negative if it has passed. */
    long nanosLeft() {
        return nanoTime - System.nanoTime();
    }

    /** Whole milliseconds left, rounded up; at least 0. */
    int millisLeft() {
        long nanos = nanosLeft();
        return nanos <= 0 ? 0 : (int) Math.min(Integer.MAX_VALUE, (nanos + 999_999) / 1_000_000);
    }
}
