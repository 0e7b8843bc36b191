package dev.understudy.spi;

/** Answer to a restore. */
public enum RestoreReply {
    /** Pending again. */
    RESTORED,
    /** The replica has at least that version. */
    NEWER,
    /** Nothing is pending of the key: ask the primary whether it has the write, and restore it then under the same lease. */
    COLD
}
