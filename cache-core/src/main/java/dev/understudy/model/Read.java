package dev.understudy.model;

import java.time.Duration;
import java.util.Optional;

/**
 * Options of one read. Immutable; what is empty is taken from the repository.
 *
 * @param consistency how fresh
 * @param timeout how long the caller waits, at most
 */
public record Read(Optional<Consistency> consistency, Optional<Duration> timeout) {
    private static final Read DEFAULTS = new Read(Optional.empty(), Optional.empty());
    private static final Read STRONG = with(Consistency.STRONG);
    private static final Read EVENTUAL = with(Consistency.EVENTUAL);

    /** Refuses a timeout that is not positive. */
    public Read {
        timeout.ifPresent(Write::requirePositive);
    }

    /** The repository's own options. */
    public static Read defaults() {
        return DEFAULTS;
    }

    /** Linearizable. */
    public static Read strong() {
        return STRONG;
    }

    /** From the nearest replica. */
    public static Read eventual() {
        return EVENTUAL;
    }

    /** At least as new as everything applied {@code staleness} ago. */
    public static Read bounded(Duration staleness) {
        return with(Consistency.bounded(staleness));
    }

    /** The same with a timeout. */
    public Read timeout(Duration limit) {
        return new Read(consistency, Optional.of(limit));
    }

    private static Read with(Consistency level) {
        return new Read(Optional.of(level), Optional.empty());
    }
}
