package dev.understudy.spi;

/** Answer to a fill. */
public enum FillReply {
    /** Stored. */
    FILLED,
    /** The lease no longer held; nothing was stored. */
    LOST
}
