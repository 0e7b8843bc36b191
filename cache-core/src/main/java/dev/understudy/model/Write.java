package dev.understudy.model;

import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Options of one write. Immutable; what is empty is taken from the repository.
 *
 * @param mode write-through or write-back
 * @param ack the promise asked of a write-back
 * @param ifVersion the version that must be current; {@link Version#ABSENT} demands that there is no row
 * @param timeout how long the caller waits, at most
 * @param onPartition what a write-through does when the shared replica cannot be reached
 * @param chunk of a call with many rows, how many are written at a time; all of them if empty
 */
public record Write(
        Optional<WriteMode> mode,
        Optional<Ack> ack,
        Optional<Version> ifVersion,
        Optional<Duration> timeout,
        Optional<OnPartition> onPartition,
        OptionalInt chunk) {
    private static final Write DEFAULTS = of(Optional.empty());
    private static final Write THROUGH = of(Optional.of(WriteMode.THROUGH));
    private static final Write BACK = of(Optional.of(WriteMode.BACK));

    private static final int LARGEST_CHUNK = 5_000;

    /** Refuses a timeout that is not positive, a chunk outside 1 to 5,000, and an ack on a write-through. */
    public Write {
        timeout.ifPresent(Write::requirePositive);
        if (chunk.isPresent() && (chunk.getAsInt() < 1 || chunk.getAsInt() > LARGEST_CHUNK)) {
            throw new Invalid("chunk " + chunk.getAsInt() + " is outside [1, 5000]");
        }
        if (ack.isPresent() && mode.isPresent() && mode.get() == WriteMode.THROUGH) {
            throw new Invalid("an ack level goes with write-back only");
        }
    }

    private static Write of(Optional<WriteMode> mode) {
        return new Write(
                mode, Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), OptionalInt.empty());
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
        return new Write(mode, Optional.of(level), ifVersion, timeout, onPartition, chunk);
    }

    /** The same, applied only if that version is current. */
    public Write ifVersion(Version version) {
        return new Write(mode, ack, Optional.of(version), timeout, onPartition, chunk);
    }

    /** The same with a timeout. */
    public Write timeout(Duration limit) {
        return new Write(mode, ack, ifVersion, Optional.of(limit), onPartition, chunk);
    }

    /** The same with that behaviour while the shared replica cannot be reached; of no effect on a write-back. */
    public Write onPartition(OnPartition behaviour) {
        return new Write(mode, ack, ifVersion, timeout, Optional.of(behaviour), chunk);
    }

    /**
     * The same, for a call with many rows: at most so many at a time, in the order given. Each chunk is written as a call of its own would be,
     * after the one before, so that neither a transaction nor the time for which rows are locked nor the number of commands under way grows with
     * the call. If one fails, those before it stay written and those after it are not tried ({@link PartlyWritten}). Values that
     * cannot be encoded, and for a write-back those that the table cannot hold, are refused before the first chunk. The timeout is the whole call's. Of no effect on a call with fewer rows.
     *
     * @param rows 1 to 5,000
     */
    public Write inChunksOf(int rows) {
        return new Write(mode, ack, ifVersion, timeout, onPartition, OptionalInt.of(rows));
    }

    static void requirePositive(Duration limit) {
        if (limit.isNegative() || limit.isZero() || limit.compareTo(Duration.ofHours(1)) > 0) {
            throw new Invalid("timeout " + limit + " is outside (0, 1 hour]");
        }
    }
}
