package dev.understudy.engine;

import dev.understudy.spi.Clock;
import java.time.Duration;

/**
 * Stops asking a tier that does not answer: open for a while after several failures in a row, then one caller tries. Thread-safe.
 *
 * <p>States: closed (ask) -> open (do not ask) after {@link #FAILURES} failures without a success between them; open -> trial (one
 * asks) after a pause, {@link #PAUSE} unless told; trial -> closed on success, -> open on failure. Source: M. Nygard, "Release It!", circuit breaker.
 */
final class Breaker {
    private static final int FAILURES = 3;
    private static final Duration PAUSE = Duration.ofMillis(250);

    private final Clock clock;
    private final Duration pause;
    private volatile int failures;
    private long openUntil;

    Breaker(Clock clock) {
        this(clock, PAUSE);
    }

    Breaker(Clock clock, Duration pause) {
        this.clock = clock;
        this.pause = pause;
    }

    /** Whether the tier has failed so often in a row that it is asked only now and then. */
    synchronized boolean isOpen() {
        return failures >= FAILURES;
    }

    /** Whether nobody is to ask at present, not even to try. */
    boolean rests() {
        return failures >= FAILURES && restsNow();
    }

    private synchronized boolean restsNow() {
        return failures >= FAILURES && openUntil - clock.nanoTime() > 0;
    }

    /** Whether to ask now. After a pause one caller at a time is told yes. */
    boolean allows() {
        return failures < FAILURES || tries();
    }

    private synchronized boolean tries() {
        if (failures < FAILURES) {
            return true;
        }
        long now = clock.nanoTime();
        if (openUntil - now > 0) {
            return false;
        }
        openUntil = now + pause.toNanos();
        return true;
    }

    void succeeded() {
        if (failures != 0) {
            close();
        }
    }

    private synchronized void close() {
        failures = 0;
    }

    synchronized void failed() {
        if (failures < FAILURES && ++failures == FAILURES) {
            openUntil = clock.nanoTime() + pause.toNanos();
        }
    }
}
