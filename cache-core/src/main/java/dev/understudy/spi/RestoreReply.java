package dev.understudy.spi;

/** Answer to a restore. */
public enum RestoreReply {
    /** Pending again. */
    RESTORED,
    /** The replica has at least that version. */
    NEWER
}
