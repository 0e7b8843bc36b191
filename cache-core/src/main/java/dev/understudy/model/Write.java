package dev.understudy.model;

import java.time.Duration;
import java.util.Optional;

/**
 * Options of one write. Immutable; what is empty is taken from the repository.
 *
 * @param mode write-through or write-back
 * @param ack the promise asked of a write-back
 * @param ifVersion the version that must be current; {@link Version#ABSENT} demands that there is no row
 * @param timeout how long the caller waits, at most
 * @param onPartition what a write-through does when the shared replica cannot be reached
 */
public record Write(
        Optional<WriteMode> mode,
        Optional<Ack> ack,
        Optional<Version> ifVersion,
        Optional<Duration> timeout,
        Optional<OnPartition> onPartition) {
    private static final Write DEFAULTS =
            new Write(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    private static final Write THROUGH = new Write(
            Optional.of(WriteMode.THROUGH), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());
    private static final Write BACK = new Write(
            Optional.of(WriteMode.BACK), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    /** Refuses a timeout that is not positive, and an ack on a write-through. */
    public Write {
        timeout.ifPresent(Write::requirePositive);
        if (ack.isPresent() && mode.isPresent() && mode.get() == WriteMode.THROUGH) {
            throw new Invalid("an ack level goes with write-back only");
        }
    }

    /** The repository's own options. */
    public static Write defaults() {
        return DEFAULTS;
    }

    /** Synchronous. */
    public static Write through() {
        return THROUGH;
    }

    /** Asynchronous; refused unless the repository allows it. */
    public static Write back() {
        return BACK;
    }

    /** The same with an ack level. */
    public Write ack(Ack level) {
        return new Write(mode, Optional.of(level), ifVersion, timeout, onPartition);
    }

    /** The same, applied only if that version is current. */
    public Write ifVersion(Version version) {
        return new Write(mode, ack, Optional.of(version), timeout, onPartition);
    }

    /** The same with a timeout. */
    public Write timeout(Duration limit) {
        return new Write(mode, ack, ifVersion, Optional.of(limit), onPartition);
    }

    /** The same with that behaviour while the shared replica cannot be reached; of no effect on a write-back. */
    public Write onPartition(OnPartition behaviour) {
        return new Write(mode, ack, ifVersion, timeout, Optional.of(behaviour));
    }

    static void requirePositive(Duration limit) {
        if (limit.isNegative() || limit.isZero() || limit.compareTo(Duration.ofHours(1)) > 0) {
            throw new Invalid("timeout " + limit + " is outside (0, 1 hour]");
        }
    }
}
