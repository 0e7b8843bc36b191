package dev.understudy.spi;

import dev.understudy.model.Versioning;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * The rows of one repository at the primary: the built-in table mapping, or an application's own SQL. Thread-safe; called on
 * connections that the library hands over, which it neither closes nor commits.
 *
 * <p>Methods may throw the driver's exceptions as they are; the {@link Primary} that lent the connection classifies them.
 */
public interface PrimaryStore<K, V> {
    /** The repository's name: {@code [a-z][a-z0-9_-]*}, at most 63 characters. */
    String name();

    /** Long, Integer, String, UUID or a record of these. */
    Class<K> keyType();

    /** The type of the values; immutable by contract. */
    Class<V> valueType();

    /** How rows are ordered. */
    Versioning versioning();

    /** The key of a value. */
    K keyOf(V value);

    /**
     * Refuses, before anything is acknowledged, a value that the columns would not hold exactly or at all.
     *
     * @throws dev.understudy.model.Invalid naming the column and the limit, not the value
     */
    default void check(V value) {}

    /**
     * Whether {@link #apply} writes changes that carry some of a row's columns only ({@link Change#parts}). Where it does not, the default,
     * pending writes of versions of the application with fewer columns are left to these.
     */
    default boolean writesParts() {
        return false;
    }

    /** Verifies at start that the primary has what this store needs; throws naming what is missing and how to add it. */
    default void verify(PrimaryConnection connection) throws Exception {}

    /** The rows of the keys that exist; one statement. */
    Map<K, Row<V>> load(PrimaryConnection connection, Collection<K> keys) throws Exception;

    /**
     * The rows of the keys that exist, locked for update until the transaction ends, in the order of their keys.
     */
    Map<K, Row<V>> lock(PrimaryConnection connection, Collection<K> keys) throws Exception;

    /** Writes the rows, each key at most once, few statements, in one lock order; an answer for every key. */
    Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception;
}
