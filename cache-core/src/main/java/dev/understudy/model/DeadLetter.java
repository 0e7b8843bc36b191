package dev.understudy.model;

import java.time.Instant;
import java.util.Optional;

/**
 * An acknowledged write-back that the primary refused, or that met a conflict. Immutable.
 *
 * @param key of the row
 * @param value that was refused; empty for a delete, or if it does not decode in this version of the application
 * @param isDelete whether it was a delete
 * @param version of the write
 * @param sqlState why: the primary's SQLSTATE, or {@link #CONFLICT}
 * @param message why, without keys or values
 * @param at when the drain gave it up
 */
public record DeadLetter<K, V>(
        K key, Optional<V> value, boolean isDelete, Version version, String sqlState, String message, Instant at) {
    /** The {@link #sqlState} of a write that met a row changed around the cache; no code of the primary's. */
    public static final String CONFLICT = "US001";

    /** Whether the row was changed around the cache ({@link OnConflict#DETECT}), rather than the value refused. */
    public boolean isConflict() {
        return sqlState.equals(CONFLICT);
    }

    /** Keys and values never appear in logs or messages. */
    @Override
    public String toString() {
        return "DeadLetter[" + version + ", " + sqlState + "]";
    }
}
