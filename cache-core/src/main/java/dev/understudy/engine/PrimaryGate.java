package dev.understudy.engine;

import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.spi.Clock;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;

/**
 * Keeps reads and write-throughs from waiting for a primary that cannot be reached. Thread-safe.
 *
 * <p>Counted is only what says that the server is away (SQLSTATE 08xxx, 57Pxx), not that connections are in use or that a statement failed.
 * While the breaker is open, one call in a quarter of a second asks, for {@link #TRIAL} at most.
 */
final class PrimaryGate {
    private static final Duration TRIAL = Duration.ofMillis(250);

    private final Primary primary;
    private final Breaker breaker;

    PrimaryGate(Primary primary, Clock clock) {
        this.primary = primary;
        this.breaker = new Breaker(clock);
    }

    /**
     * To be asked once by each operation, before its first step.
     *
     * @throws Unavailable with outcome {@code NOT_APPLIED} while the primary is away
     */
    void enter() {
        if (!breaker.allows()) {
            throw new Unavailable("the primary did not answer lately", null, Tier.PRIMARY, Outcome.NOT_APPLIED);
        }
    }

    /** Runs the work at the primary as {@link Primary#call} does. */
    <T> T call(Primary.Use use, Deadline deadline, Primary.Work<T> work) {
        Duration remaining = deadline.remaining();
        boolean isTrial = breaker.isOpen() && remaining.compareTo(TRIAL) > 0;
        try {
            T result = primary.call(use, isTrial ? TRIAL : remaining, work);
            breaker.succeeded();
            return result;
        } catch (PrimaryFailure e) {
            if (e.isServerAway()) {
                breaker.failed();
            } else if (e.kind() != PrimaryFailure.Kind.NO_CONNECTION) {
                breaker.succeeded();
            }
            throw e;
        }
    }
}
