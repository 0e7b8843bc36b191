package dev.understudy.spi;

/** Answer to an invalidation. */
public enum InvalidateReply {
    /** Forgotten and announced. */
    INVALIDATED,
    /** The replica has at least that version. */
    NEWER,
    /** A write-back is pending; the foreign change was noted for the drain. */
    PENDING
}
