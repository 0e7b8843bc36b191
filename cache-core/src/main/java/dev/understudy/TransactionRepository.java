package dev.understudy;

import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** A repository inside a {@link Transaction}: reads see the transaction's own writes. Confined to the transaction's thread. */
public interface TransactionRepository<K, V> {
    /** The row as the transaction sees it, from the primary. */
    Optional<V> find(K key);

    /** The rows that exist. */
    Map<K, V> findAll(Collection<K> keys);

    /** Writes a row that must not exist; answers it as stored. */
    V insert(V value);

    /** Inserts or updates a row; answers it as stored. */
    V save(V value);

    /** Inserts or updates rows, in one statement; answers them as stored. */
    Map<K, V> saveAll(Collection<V> values);

    /** Replaces a row that must exist, under its lock; answers it as stored. */
    V update(K key, UnaryOperator<V> change);

    /** Deletes a row; one that does not exist is no error. */
    void delete(K key);

    /** Deletes rows, in one statement. */
    void deleteAll(Collection<K> keys);
}
