package dev.understudy.model;

/** What the drain does with a pending write whose row was changed by a writer that goes around the cache. */
public enum OnConflict {
    /** The higher version wins: the pending write overwrites the row, or is superseded by it. */
    LAST_WRITER_WINS,
    /**
     * The pending write goes to the dead letters ({@link DeadLetter#isConflict}) and the row stays. Changes that went through the
     * cache are no conflicts: the higher version wins among them. Needs {@link Versioning#columnAndTrigger}, or writers that
     * give the version column an odd, higher number themselves; a change that leaves the version as it was is not seen. A write whose
     * base is not known, because the primary was away or an earlier write of the key was superseded, conflicts only with a newer row.
     */
    DETECT
}
