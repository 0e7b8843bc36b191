package dev.understudy.model;

import java.time.Duration;
import java.util.concurrent.CompletionStage;

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

    /**
     * The same without a waiting thread. Completes with {@link Replication#PENDING} if the time runs out or the repository is closed, and
     * exceptionally as {@link #awaitCommitted} throws; dependents run on a thread of the library, so they must not block.
     *
     * @throws Rejected if too many receipts are awaited already
     */
    CompletionStage<Replication> committed(Duration timeout);
}
