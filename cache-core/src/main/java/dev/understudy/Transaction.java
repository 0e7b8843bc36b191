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

    /**
     * Tells that SQL of the caller's own may have changed any row of the repository, such as an UPDATE without a list of keys. Once the
     * transaction has committed all replicas forget what is not pending; transactions of the repository that run at that moment may have to be
     * repeated ({@link dev.understudy.model.Unavailable}, {@code NOT_APPLIED}). With an outbox that happens within a second plus the bound of the
     * read, even if this process dies after the commit; without one ({@code us_invalidation} is missing) copies then end with their time to live.
     */
    void changedAll(CachedRepository<?, ?> repository);

    /** The connection, such as a {@code java.sql.Connection}; the library commits and closes it. */
    <T> T unwrap(Class<T> connectionType);

    /** What the caller does inside the transaction. */
    @FunctionalInterface
    interface Work<T extends @Nullable Object> {
        /** Does it; an exception rolls back and passes through, those of the primary translated. */
        T in(Transaction transaction) throws Exception;
    }
}
