package dev.understudy.spi;

import dev.understudy.model.Version;
import java.util.Map;
import java.util.Optional;

/**
 * One row to write.
 *
 * @param key the row's key
 * @param value what to store; empty deletes
 * @param version the version proposed; the primary stores it, or its own odd one above the row's if the row is newer
 * @param guard what must hold of the row
 * @param parts the components to store, the key's among them, of a write that carries not all columns; others are left as they are, or
 *     to their defaults in a new row. Present only where {@link PrimaryStore#writesParts}; there is no value then
 */
public record Change<K, V>(
        K key, Optional<V> value, Version version, Guard guard, Optional<Map<String, Optional<Object>>> parts) {
    /** All columns. */
    public Change(K key, Optional<V> value, Version version, Guard guard) {
        this(key, value, version, guard, Optional.empty());
    }

    /** Whether the row is to be deleted. */
    public boolean deletes() {
        return value.isEmpty() && parts.isEmpty();
    }

    /** Keys and values never appear in logs or messages. */
    @Override
    public String toString() {
        return "Change[" + (deletes() ? "delete" : "upsert") + ", " + version + ", " + guard + "]";
    }

    /** What must hold of a row for it to be written, judged under the row's lock. */
    public sealed interface Guard {
        /** Nothing: insert or update, or delete if there. */
        Guard NONE = new None();
        /** There must be no row: insert. */
        Guard MISSING = new Missing();
        /** There must be a row: update. */
        Guard EXISTS = new Exists();
        /** No row, or one with a lower version than the change's: the guard of the drain. */
        Guard OLDER = new Older();

        /** See {@link #NONE}. */
        record None() implements Guard {}

        /** See {@link #MISSING}. */
        record Missing() implements Guard {}

        /** See {@link #EXISTS}. */
        record Exists() implements Guard {}

        /** See {@link #OLDER}. */
        record Older() implements Guard {}

        /** There must be a row of exactly that version. */
        record Exactly(Version version) implements Guard {}

        /** No row, or one of at most that version: a pending write of that version stands for the row. */
        record AtMost(Version version) implements Guard {}
    }
}
