package dev.understudy.adapters.redis;

/** What a simulated process does. */
enum Action {
    THROUGH_SAVE,
    THROUGH_DELETE,
    BACK_SAVE,
    BACK_DELETE,
    /** A write-back that must find no row. */
    BACK_INSERT,
    /** A write-back that must find a row. */
    BACK_UPDATE,
    /** A read, then a write-back of exactly the version read. */
    BACK_SWAP,
    /** A writer that goes around the library. */
    DIRECT_SAVE,
    DIRECT_DELETE,
    READ,
    STRONG_READ,
    NEAR_READ,
    DRAIN
}
