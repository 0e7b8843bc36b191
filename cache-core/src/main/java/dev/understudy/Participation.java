package dev.understudy;

import java.util.Collection;

/**
 * The library's part in a transaction that somebody else manages, on its connection: Spring, JTA, jOOQ, Jdbi, or plain JDBC. Confined to
 * the thread that runs the transaction.
 *
 * <p>Whoever manages the transaction calls {@link #beforeCommit} last in it, and then exactly one of {@link #afterCommit}, {@link
 * #afterRollback} and {@link #afterUnknown}. If none is called, the markers expire, and readers ask the primary. No second connection is
 * used. Nothing is visible in any replica before the commit, nor after a rollback or what was rolled back to a savepoint.
 *
 * <p>A failure of the primary leaves the transaction as the server does: to be rolled back, at least to a savepoint.
 */
public interface Participation {
    /** The repository inside this transaction: reads see its own writes. Refuses repositories of another {@link Understudy}. */
    <K, V> TransactionRepository<K, V> on(CachedRepository<K, V> repository);

    /** Tells that SQL of the caller's own changed or deleted these rows. */
    <K, V> void changed(CachedRepository<K, V> repository, Collection<K> keys);

    /** Tells that SQL of the caller's own may have changed any row, as {@link Transaction#changedAll}. */
    void changedAll(CachedRepository<?, ?> repository);

    /**
     * Last in the transaction: renews the markers and checks their deadline by the primary's clock.
     *
     * @throws dev.understudy.model.UnderstudyException if the transaction must be rolled back
     */
    void beforeCommit();

    /**
     * The transaction has committed: tells the replicas.
     *
     * @throws dev.understudy.model.Unavailable with outcome {@code APPLIED} if the shared replica could not be told in time; it is told
     *     later
     */
    void afterCommit();

    /** The transaction has certainly been rolled back. */
    void afterRollback();

    /** It is not known what became of the transaction, as when the connection was lost at its commit. */
    void afterUnknown();
}
