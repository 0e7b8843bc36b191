package dev.understudy.engine;

/** What a write-back does when the queue is at its bound. */
public enum Overflow {
    /** It becomes a write-through: the writer feels the primary's pace. */
    WRITE_THROUGH,
    /** It waits for room until its deadline, then is rejected. */
    BLOCK,
    /** It is rejected at once. */
    REJECT
}
