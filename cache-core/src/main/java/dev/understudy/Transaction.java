package dev.understudy;

import java.util.Collection;
import org.jspecify.annotations.Nullable;

/**
 * The caller's own transaction at the primary, over several repositories. Confined to the thread that runs it.
 *
 * <p>Nothing of it is visible in any replica before it has committed, and nothing after it was rolled back.
 */
public interface Transaction {
    /**
     * The repository inside this transaction. Refuses repositories of another {@link Understudy}. Of a view inside a {@link Session}, the
     * session knows what the transaction wrote once it has committed; what it reads here is not noted.
     */
    <K, V> TransactionRepository<K, V> on(CachedRepository<K, V> repository);

    /** Tells that SQL of the caller's own changed or deleted these rows, before the transaction commits. */
    <K, V> void changed(CachedRepository<K, V> repository, Collection<K> keys);

    /** The connection, such as a {@code java.sql.Connection}; the library commits and closes it. */
    <T> T unwrap(Class<T> connectionType);

    /** What the caller does inside the transaction. */
    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        /** Does it; an exception rolls back and passes through, those of the primary translated. */
        T in(Transaction transaction) throws Exception;
    }
}
