package dev.understudy.spi;

import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * A bounded map in this instance's memory. Thread-safe. Age and order are the engine's affair: the map only stores and, when
 * it is full, evicts.
 *
 * @param <K> keys, with equals and hashCode
 * @param <E> the engine's entries, immutable
 */
public interface NearReplica<K, E> {
    /** The entry, or null. Takes no lock and allocates nothing. */
    @Nullable
    E get(K key);

    /** Replaces the entry by the function's result, atomically for the key; null removes it. The function must not block. */
    void compute(K key, BiFunction<? super K, ? super @Nullable E, ? extends @Nullable E> change);

    /** Removes that entry if it is still the one stored. */
    void remove(K key, E entry);

    /** Removes everything. */
    void clear();

    /** How many entries there are, about. */
    long size();
}
