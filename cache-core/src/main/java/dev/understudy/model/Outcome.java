package dev.understudy.model;

/** What is known of an operation that failed. */
public enum Outcome {
    /** It has had no effect and will have none. */
    NOT_APPLIED,
    /** It may have had its effect, or may still have it. */
    UNKNOWN,
    /** It has had its effect; only something after it failed. */
    APPLIED
}
