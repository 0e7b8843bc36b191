package dev.understudy.engine;

import dev.understudy.model.Version;
import java.util.List;
import java.util.Optional;

/**
 * One write as the caller asked for it. Immutable.
 *
 * @param key the key
 * @param value the new value; empty to delete
 * @param verb what must hold of the row
 * @param ifVersion the version that must be current
 */
public record Mutation<K, V>(K key, Optional<V> value, Verb verb, Optional<Version> ifVersion) {
    /** What must hold of the row. */
    public enum Verb {
        /** Nothing. */
        SAVE,
        /** There must be no row. */
        INSERT,
        /** There must be a row. */
        UPDATE,
        /** Nothing; the row goes. */
        DELETE
    }

    /** The verb, with a condition on the version folded in: "must be absent" is an insert. */
    Verb effectiveVerb() {
        if (verb == Verb.SAVE && ifVersion.isPresent()) {
            return ifVersion.get().isAbsent() ? Verb.INSERT : Verb.UPDATE;
        }
        return verb;
    }

    /** The keys of rows that are written, not deleted. */
    static <K, V> List<K> upserted(List<Mutation<K, V>> mutations) {
        return mutations.stream()
                .filter(mutation -> mutation.value().isPresent())
                .map(Mutation::key)
                .toList();
    }

    /** Keys and values never appear in logs or messages. */
    @Override
    public String toString() {
        return "Mutation[" + verb + "]";
    }
}
