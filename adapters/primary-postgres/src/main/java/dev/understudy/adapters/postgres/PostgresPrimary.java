package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.Outbox;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Postgres as the system of record, on a {@link DataSource} of the application. Thread-safe.
 *
 * <p>Needs Postgres 14 or later. Leaves nothing on a connection but what ends with the transaction, so that a transaction
 * pooler may stand in front; a pooler that does not carry server-side prepared statements needs {@code prepareThreshold=0} in
 * the JDBC URL.
 */
public final class PostgresPrimary implements Primary {
    private static final Logger LOG = LoggerFactory.getLogger(PostgresPrimary.class);
    private static final int MINIMUM_MAJOR = 14;

    private final ConnectionShares shares;
    private final ConnectionSource source;
    private final ConnectionSource drainSource;
    private final DataSource dataSource;
    private final PostgresLedger ledger;
    private final PostgresOutbox outbox;
    private final Duration statementTimeout;
    private final ExecutorService connecting;
    private final CommitOutcomes outcomes = new CommitOutcomes();

    PostgresPrimary(PostgresPrimaryBuilder options) {
        dataSource = options.dataSource;
        connecting = connectingThreads();
        source = new ConnectionSource(options.dataSource, connecting);
        drainSource = options.drainDataSource.isEmpty()
                ? source
                : new ConnectionSource(options.drainDataSource.get(), connecting);
        shares = new ConnectionShares(options.poolSize(), options.drainDataSource.isPresent());
        ledger = new PostgresLedger(
                new LedgerTables(options.ledgerSchema, options.ledgerPrefix), options.tombstoneRetention);
        outbox = new PostgresOutbox(ledger.tables());
        statementTimeout = options.statementTimeout;
    }

    /** Options for a primary on this data source, which stays the caller's to close. */
    public static PostgresPrimaryBuilder on(DataSource dataSource) {
        return new PostgresPrimaryBuilder(dataSource);
    }

    /**
     * {@inheritDoc}
     *
     * <p>If the answer to COMMIT is lost, the server is asked for the transaction's outcome until the deadline; it stays unknown
     * if the server cannot be reached by then or another one has taken its place.
     */
    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        Duration allowed = timeout.compareTo(statementTimeout) < 0 ? timeout : statementTimeout;
        Deadline deadline = Deadline.after(allowed);
        Runnable permits = shares.acquire(use, deadline);
        ConnectionSource from = use == Use.DRAIN ? drainSource : source;
        Connection raw = from.connect(deadline, permits);
        try {
            Unanswered<T> unanswered = new Unanswered<>();
            try {
                return onConnection(raw, use, deadline, work, unanswered);
            } catch (PrimaryFailure e) {
                if (e.isServerAway()) {
                    outcomes.doubt();
                }
                return unanswered.settled(e, (id, run) -> outcomes.resolve(id, run, from, deadline));
            }
        } finally {
            permits.run();
        }
    }

    /** A transaction whose COMMIT may get no answer. Confined to the calling thread. */
    private static final class Unanswered<T> {
        private Optional<String> transactionId = Optional.empty();
        private CommitOutcomes.Incarnation run = CommitOutcomes.Incarnation.UNKNOWN;
        private Supplier<T> result = () -> {
            throw new IllegalStateException("nothing was sent to be committed");
        };

        void begun(CommitOutcomes.Incarnation on) {
            run = on;
        }

        void committing(Optional<String> id, T value) {
            transactionId = id;
            result = () -> value;
        }

        T settled(PrimaryFailure failure, BiFunction<String, CommitOutcomes.Incarnation, Outcome> status) {
            if (failure.outcome() != Outcome.UNKNOWN || transactionId.isEmpty()) {
                throw failure;
            }
            Outcome outcome = status.apply(transactionId.get(), run);
            if (outcome == Outcome.APPLIED) {
                return result.get();
            }
            throw outcome == Outcome.UNKNOWN
                    ? failure
                    : new PrimaryFailure(
                            failure.kind(),
                            failure.sqlState(),
                            outcome,
                            "the connection was lost while committing, and the primary rolled back",
                            failure);
        }
    }

    private <T> T onConnection(Connection raw, Use use, Deadline deadline, Work<T> work, Unanswered<T> unanswered) {
        boolean autoCommit = true;
        int networkTimeout = 0;
        try {
            autoCommit = raw.getAutoCommit();
            networkTimeout = raw.getNetworkTimeout();
            outcomes.renew(raw, deadline);
            unanswered.begun(outcomes.incarnation());
            return inTransaction(new PostgresConnection(raw, use, deadline), work, unanswered);
        } catch (SQLException e) {
            throw Failures.ofConnecting(e);
        } finally {
            giveBack(raw, autoCommit, networkTimeout);
        }
    }

    private static void giveBack(Connection raw, boolean autoCommit, int networkTimeout) {
        try (raw) {
            raw.setAutoCommit(autoCommit);
            raw.setNetworkTimeout(Runnable::run, networkTimeout);
        } catch (SQLException e) {
            // The transaction's outcome is settled; a broken connection is its pool's affair.
            LOG.debug("a connection could not be given back whole: {}", Failures.describe(e));
        }
    }

    private static <T> T inTransaction(PostgresConnection connection, Work<T> work, Unanswered<T> unanswered) {
        T result;
        try {
            result = work.on(connection);
        } catch (Throwable e) {
            connection.rollBack(e);
            SQLException sql = Failures.sqlException(e);
            throw sql == null ? PostgresPrimary.<RuntimeException>asIs(e) : Failures.ofStatement(sql);
        }
        unanswered.committing(connection.transactionId(), result);
        try {
            connection.commit();
        } catch (PrimaryFailure e) {
            connection.rollBack(e);
            throw e;
        }
        return result;
    }

    @Override
    public <T> T join(Object connection, Duration timeout, Work<T> work) {
        if (!(connection instanceof Connection raw)) {
            throw new Invalid("the connection is no java.sql.Connection but a "
                    + connection.getClass().getName());
        }
        try {
            if (raw.getAutoCommit()) {
                throw new Invalid("the connection is in no transaction: it commits by itself");
            }
            return work.on(PostgresConnection.joined(raw, Deadline.after(timeout)));
        } catch (Exception e) {
            SQLException sql = Failures.sqlException(e);
            throw sql == null ? PostgresPrimary.<RuntimeException>asIs(e) : Failures.ofStatement(sql);
        }
    }

    /** Throws what the work threw, checked or not: the port lets it pass. */
    @SuppressWarnings("unchecked")
    private static <E extends Throwable> E asIs(Throwable e) throws E {
        throw (E) e;
    }

    /**
     * {@inheritDoc}
     *
     * <p>The check is sent together with COMMIT, so that the failure comes from {@link #call}.
     */
    @Override
    public void commitBefore(PrimaryConnection connection, long deadlineMicros) {
        PostgresConnection.of(connection).commitBefore(deadlineMicros);
    }

    @Override
    public void lockTimeout(PrimaryConnection connection, Duration timeout) {
        PostgresConnection.of(connection).lockTimeout(timeout);
    }

    @Override
    public DrainLedger ledger() {
        return ledger;
    }

    @Override
    public Outbox outbox() {
        return outbox;
    }

    @Override
    public long clockMicros(PrimaryConnection connection) throws SQLException {
        AtomicLong micros = new AtomicLong();
        String select = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        PostgresConnection.of(connection).run(new Script().read(select, row -> micros.set(row.getLong(1))));
        return micros.get();
    }

    @Override
    public void verify() {
        StringBuilder found = new StringBuilder();
        call(Use.LOAD, Duration.ofSeconds(10), connection -> {
            PostgresConnection.of(connection)
                    .run(new Script()
                            .read(
                                    "SELECT current_setting('server_version_num')::int / 10000, pg_is_in_recovery(),"
                                            + " current_setting('transaction_read_only')::boolean,"
                                            + " current_setting('default_transaction_read_only')::boolean",
                                    row -> found.append(problem(
                                            row.getInt(1),
                                            row.getBoolean(2),
                                            row.getBoolean(3) || row.getBoolean(4)))));
            return found;
        });
        if (found.length() > 0) {
            throw new Invalid("the server cannot be the primary: " + found, null, Tier.PRIMARY);
        }
        learnIncarnation();
    }

    private void learnIncarnation() {
        Deadline deadline = Deadline.after(Duration.ofSeconds(10));
        try (Connection connection = source.connect(deadline, () -> {})) {
            outcomes.learn(connection);
        } catch (SQLException e) {
            throw Failures.ofConnecting(e);
        }
    }

    private static String problem(int major, boolean isStandby, boolean isReadOnly) {
        if (major < MINIMUM_MAJOR) {
            return "it is PostgreSQL " + major + ", version " + MINIMUM_MAJOR + " or later is needed";
        }
        return isStandby ? "it is a standby" : isReadOnly ? "it is read only" : "";
    }

    /** The table of notes, as SQL. */
    String outboxTable() {
        return ledger.tables().invalidation;
    }

    /** The library's own tables, as a script for the team's migration tool; it may be run again. */
    public String migrationSql() {
        return ledger.tables().migrationSql();
    }

    /**
     * Runs {@link #migrationSql()} in one transaction.
     *
     * @throws PrimaryFailure if the role may not create the tables
     */
    public void install() {
        Migration.run(dataSource, migrationSql());
    }

    /** Ends the threads that wait for connections; data sources stay open. */
    @Override
    public void close() {
        connecting.shutdownNow();
    }

    private static ExecutorService connectingThreads() {
        AtomicLong number = new AtomicLong();
        // No queue: the shares bound how many attempts there are at a time.
        return new ThreadPoolExecutor(0, Integer.MAX_VALUE, 5, TimeUnit.SECONDS, new SynchronousQueue<>(), task -> {
            Thread thread = new Thread(task, "understudy-connect-" + number.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        });
    }
}
