package dev.understudy.model;

/** When a write returns. */
public enum WriteMode {
    /** Synchronous replication: when the primary has committed and no replica can serve the old value as fresh. */
    THROUGH,
    /** Asynchronous replication: when the shared replica has logged the write. */
    BACK
}
