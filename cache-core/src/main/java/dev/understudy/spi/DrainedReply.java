package dev.understudy.spi;

/** Answer to the fate of a drained entry. */
public enum DrainedReply {
    /** The entry is clean now. */
    CLEAN,
    /** A newer write, or the same delete once more, is pending. */
    AGAIN,
    /** The primary went another way; the entry was forgotten. */
    FORGOTTEN,
    /** An older entry than the drained one is pending (the replica went back in time). */
    OLDER,
    /** The entry is not pending any more. */
    GONE
}
