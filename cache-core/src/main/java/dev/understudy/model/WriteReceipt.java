package dev.understudy.model;

import java.time.Duration;

/** What an acknowledged write got. Thread-safe. */
public interface WriteReceipt {
    /** When the write returned. */
    WriteMode mode();

    /** The write's version; {@link Version#UNVERSIONED} without a version column. */
    Version version();

    /** Where the shared replica announced it. */
    Position position();

    /** The promise that was reached; {@link Ack#FSYNCED} for a write-through, which the primary has committed. */
    Ack ack();

    /**
     * Waits until the write has left the queue, at most so long. Returns at once for a write-through.
     *
     * @return {@link Replication#PENDING} if the time ran out
     * @throws Unavailable if neither replica nor primary can be asked; the write stays acknowledged
     */
    Replication awaitCommitted(Duration timeout);
}
