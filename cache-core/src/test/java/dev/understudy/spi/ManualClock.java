package dev.understudy.spi;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.atomic.AtomicLong;

/** A clock that stands still until it is moved. Thread-safe. */
public final class ManualClock implements Clock {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    private final AtomicLong nanos = new AtomicLong();

    /** A clock at the start of the year 2026. */
    public ManualClock() {}

    /** Moves on by a duration; a negative one moves back, as a server's clock may after a correction. */
    public void advance(Duration step) {
        nanos.addAndGet(step.toNanos());
    }

    /** Moves to that many microseconds since 1970. */
    public void setMicros(long micros) {
        nanos.set((micros - micros(START)) * 1_000);
    }

    /** Microseconds since 1970. */
    public long micros() {
        return micros(now());
    }

    @Override
    public long nanoTime() {
        return nanos.get();
    }

    @Override
    public Instant now() {
        return START.plusNanos(nanos.get());
    }

    static long micros(Instant instant) {
        return ChronoUnit.MICROS.between(Instant.EPOCH, instant);
    }
}
