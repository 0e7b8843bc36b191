package dev.understudy.adapters.redis;

/** What the engine and the primary do for the protocol, outside the scripts. A mutation takes one of them away. */
enum Protection {
    /** The drain's transaction checks that its owner's epoch is the newest. */
    FENCE,
    /** The drain refuses an upsert below a tombstone of the key (rule 26). */
    DRAIN_TOMBSTONES,
    /** A restore is not tried below a tombstone of the key (rule 6). */
    RESTORE_TOMBSTONES,
    /** What Redis knows nothing of is restored only under a lease that was given before the primary was asked. */
    RESTORE_LEASE,
    /** Instances restore what Redis lost. */
    RESTORE,
    /** A server that went back in time gets a new generation before the first read (rule 8). */
    NEW_GENERATION,
    /** A strong read of a pending record with a marker asks the primary too (rule 2). */
    STRONG_MARKER,
    /** A write-through does not commit after its marker's deadline (rule 15). */
    COMMIT_DEADLINE,
    /** A caller's own transaction rolls back if its marker is lost (rule 3). */
    RENEWAL,
    /** A write-through whose APPLY has no answer invalidates (rule 2). */
    LIBRARY_INVAL,
    /** The drain tells what the primary stored where it differs. */
    CORRECTION
}
