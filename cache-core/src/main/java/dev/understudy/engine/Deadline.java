package dev.understudy.engine;

import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.spi.Clock;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/** The moment at which a call must have its answer. Immutable. */
public final class Deadline {
    private final Clock clock;
    private final long at;

    private Deadline(Clock clock, long at) {
        this.clock = clock;
        this.at = at;
    }

    /** A deadline that far from now. */
    public static Deadline after(Clock clock, Duration timeout) {
        return new Deadline(clock, clock.nanoTime() + timeout.toNanos());
    }

    /** A deadline that much after this one. */
    Deadline later(Duration grace) {
        return new Deadline(clock, at + grace.toNanos());
    }

    /** Nanoseconds left; zero or less once it has passed. */
    public long remainingNanos() {
        return at - clock.nanoTime();
    }

    /** What is left; at least one millisecond, so that it can be given to a wait. */
    public Duration remaining() {
        return Duration.ofNanos(Math.max(1_000_000, remainingNanos()));
    }

    /** Whether it has passed. */
    public boolean isPast() {
        return remainingNanos() <= 0;
    }

    /** Throws once the deadline has passed. */
    void check(Tier tier, Outcome outcome) {
        if (isPast()) {
            throw new DeadlineExceeded("the deadline passed", null, tier, outcome);
        }
    }

    /** Waits for so long, or until the deadline; false if that has passed or the thread is interrupted, the flag restored. */
    boolean rest(Duration pause) {
        long end = clock.nanoTime() + Math.min(pause.toNanos(), remainingNanos());
        for (long left = end - clock.nanoTime(); left > 0; left = end - clock.nanoTime()) {
            clock.park(this, left);
            if (Thread.currentThread().isInterrupted()) {
                return false;
            }
        }
        return !isPast();
    }

    /** Waits for the future until the deadline. */
    <T> T await(CompletableFuture<T> future) throws InterruptedException, ExecutionException, TimeoutException {
        return clock.await(future, Math.max(0, remainingNanos()));
    }

    /**
     * Waits for so long, or until the deadline.
     *
     * @throws DeadlineExceeded with that outcome when interrupted, the flag restored, or once the deadline has passed
     */
    void pause(Duration pause, Tier tier, Outcome outcome) {
        check(tier, outcome);
        long end = clock.nanoTime() + Math.min(pause.toNanos(), remainingNanos());
        for (long left = end - clock.nanoTime(); left > 0; left = end - clock.nanoTime()) {
            clock.park(this, left);
            if (Thread.currentThread().isInterrupted()) {
                throw new DeadlineExceeded("interrupted", null, tier, outcome);
            }
        }
    }
}
