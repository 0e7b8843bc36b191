package dev.understudy.spi;

import java.time.Duration;

/**
 * The system of record. Thread-safe.
 *
 * <p>Every piece of work runs in one READ COMMITTED transaction on one connection, is committed when it returns and rolled
 * back when it throws. No state is left on the connection, so that a transaction pooler may stand in front.
 */
public interface Primary extends AutoCloseable {
    /** What a connection is wanted for; each use has its share of the connections. */
    enum Use {
        /** Reading rows for a miss or a strong read. */
        LOAD,
        /** A write-through, or the caller's own transaction. */
        COMMIT,
        /** Moving pending writes. */
        DRAIN
    }

    /** Work on a connection. */
    @FunctionalInterface
    interface Work<T> {
        /** Does the work; must not keep the connection. */
        T on(PrimaryConnection connection) throws Exception;
    }

    /**
     * Runs the work and commits.
     *
     * @param timeout for waiting for a connection and for each statement, all together
     * @throws PrimaryFailure if the primary failed; exceptions of the work that are not the primary's pass through after rollback
     */
    <T> T call(Use use, Duration timeout, Work<T> work);

    /**
     * Runs the work on a connection whose transaction somebody else manages. It is neither begun nor ended here, its settings stay as they
     * are, and the connection is used by nobody else meanwhile.
     *
     * @param connection of the adapter's own type, such as {@code java.sql.Connection}, inside a transaction
     * @param timeout of the work's waits, where the adapter has any
     * @throws dev.understudy.model.Invalid if it is of another type, or in no transaction
     * @throws PrimaryFailure if the primary failed: then the transaction must be rolled back, at least to a savepoint
     */
    <T> T join(Object connection, Duration timeout, Work<T> work);

    /**
     * Fails the transaction if the marker's deadline has passed by the primary's clock; to be called last before the work returns.
     * The failure may come from here or, if the check travels with the commit, from {@link #call}. On a joined connection it comes from
     * here.
     *
     * @param deadlineMicros microseconds since 1970
     * @throws PrimaryFailure with kind {@link PrimaryFailure.Kind#TRANSIENT} if it is too late
     */
    void commitBefore(PrimaryConnection connection, long deadlineMicros) throws Exception;

    /**
     * Bounds how long each statement of the transaction waits for a row that others have locked, from its next statement on. A
     * statement that would wait longer fails as {@link PrimaryFailure.Kind#TRANSIENT} with SQLSTATE 55P03.
     */
    void lockTimeout(PrimaryConnection connection, Duration timeout);

    /** The bookkeeping of the drain; the tables behind it exist only where write-back is allowed. */
    DrainLedger ledger();

    /** Changes that the shared replica has not been told of; the table behind it may be missing. */
    Outbox outbox();

    /** The primary's clock as of now, in microseconds since 1970. */
    long clockMicros(PrimaryConnection connection) throws Exception;

    /** Refuses a server that cannot be a primary: unreachable, read only, a standby, too old. */
    void verify();

    /** Closes what the adapter opened itself. */
    @Override
    void close();
}
