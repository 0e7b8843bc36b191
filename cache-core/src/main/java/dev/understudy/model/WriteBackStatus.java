package dev.understudy.model;

/**
 * What became of a repository's acknowledged write-backs, since the shared replica's present data began, over all instances. Immutable.
 * {@code acked = applied + superseded + dead + pending + lost} holds for each shard at the moment it was read.
 *
 * @param acked acknowledged
 * @param applied written to the primary
 * @param superseded replaced by a newer write of their key
 * @param dead refused by the primary and kept in the dead letters
 * @param pending waiting for the drain
 * @param lost known to be lost with the shared replica's memory
 * @param lag of the primary
 * @param left of the pending entries, those that this instance's drain saw last and leaves to others, because they carry columns that this
 *     version of the application does not know, or do not decode
 */
public record WriteBackStatus(
        long acked, long applied, long superseded, long dead, long pending, long lost, Lag lag, long left) {
    /** Whether the counters add up. */
    public boolean isConserved() {
        return acked == applied + superseded + dead + pending + lost;
    }
}
