package dev.understudy.spi;

import java.time.Instant;

/** The time as the engine sees it; tests inject their own. Thread-safe. */
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
}
