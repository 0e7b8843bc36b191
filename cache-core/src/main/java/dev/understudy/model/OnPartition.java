package dev.understudy.model;

/** What a write-through does when the shared replica cannot be reached: consistency or availability. */
public enum OnPartition {
    /** Refuses: {@link Unavailable} with outcome {@code NOT_APPLIED}, at once when the replica is known to be away. */
    CONSISTENT,
    /**
     * Commits at the primary alone and takes note of it in the same transaction. Instances that reach the shared replica go on
     * serving what they hold until one of them has delivered the note: for the poll's second and the bound of the read, at most.
     * Conditions are judged by the primary's row, of which a write-back that is pending in the unreachable replica is no part; the
     * write is ordered after it.
     */
    AVAILABLE
}
