package dev.understudy.model;

/** What is known of an acknowledged write on its way to the primary. */
public enum Replication {
    /** Not there yet. */
    PENDING,
    /** The primary has committed it. */
    COMMITTED,
    /** The primary has, or will have, a newer write of its key instead. */
    SUPERSEDED,
    /** The primary refused it; it lies in the dead letters. */
    DEAD,
    /**
     * The shared replica lost its memory, the instance that wrote it can neither put it back nor find it at the primary, and has reported so.
     */
    LOST
}
