package dev.understudy.model;

/** A copy of the data, or the primary itself. */
public enum Tier {
    /** The replica in this instance's memory. */
    NEAR,
    /** The replica that all instances share. */
    SHARED,
    /** The system of record. */
    PRIMARY,
    /** None: the library refused before it asked any copy. */
    LIBRARY
}
