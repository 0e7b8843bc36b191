package dev.understudy.adapters.postgres;

import dev.understudy.model.Outcome;
import dev.understudy.spi.PrimaryFailure;
import java.sql.Array;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What became of transactions whose COMMIT got no answer: the server is asked for them by the name that it gave them. Thread-safe.
 *
 * <p>A name is good as long as the server runs. One that crashed gives the names that had not reached its write-ahead log to other
 * transactions, and so does a standby that was promoted. So the server's incarnation is remembered: its timeline, its start, and its
 * processes without a database, as a server whose session was killed starts all of them anew but not itself. After a change "committed" may
 * be said of another transaction and is not believed. "Rolled back", or no such name, is: what was committed keeps its name, except on
 * another timeline. Source: Postgres documentation, "Transaction ID and Snapshot Information Functions", {@code pg_xact_status};
 * {@code src/backend/access/transam/README}, "Transaction IDs", which need not be in the log before they are used.
 */
final class CommitOutcomes {
    private static final Logger LOG = LoggerFactory.getLogger(CommitOutcomes.class);
    private static final long PAUSE_NANOS = 5_000_000;
    private static final String INCARNATION = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8),"
            + " pg_postmaster_start_time()::text,"
            + " (SELECT array_agg(pid) FROM pg_stat_activity WHERE datid IS NULL AND usesysid IS NULL)";
    private static final String STATUS = INCARNATION + ", pg_xact_status(?::xid8)";
    /** What the server says of a name that it has not given yet. */
    private static final String IN_THE_FUTURE = "22023";

    private volatile Incarnation incarnation = Incarnation.UNKNOWN;
    private volatile boolean isDoubtful;

    /**
     * One run of a server.
     *
     * @param timeline empty if the server does not say
     * @param start when it was started
     * @param processes those without a database; a session that is beginning is one of them, too
     */
    record Incarnation(String timeline, String start, Set<Integer> processes) {
        static final Incarnation UNKNOWN = new Incarnation("", "", Set.of());

        static Incarnation of(ResultSet row) throws SQLException {
            Array processes = row.getArray(3);
            return new Incarnation(
                    Optional.ofNullable(row.getString(1)).orElse(""),
                    Optional.ofNullable(row.getString(2)).orElse(""),
                    processes == null ? Set.of() : Set.of((Integer[]) processes.getArray()));
        }

        /** Whether the server has gone on all the time: most of its processes are there; after a crash none is, but by chance. */
        boolean isSameAs(Incarnation later) {
            long common = processes.stream().filter(later.processes::contains).count();
            int fewer = Math.min(processes.size(), later.processes.size());
            return timeline.equals(later.timeline) && start.equals(later.start) && fewer > 0 && 2 * common > fewer;
        }
    }

    /** The incarnation of the server when it was last asked. */
    Incarnation incarnation() {
        return incarnation;
    }

    /** A connection was lost: the server may be another one by now. */
    void doubt() {
        isDoubtful = true;
    }

    /** Asks for the incarnation if a connection was lost since it was last asked. */
    void renew(Connection connection, Deadline deadline) throws SQLException {
        if (!isDoubtful) {
            return;
        }
        isDoubtful = false;
        connection.setNetworkTimeout(Runnable::run, Math.max(1, deadline.millisLeft()));
        boolean autoCommit = connection.getAutoCommit();
        connection.setAutoCommit(true);
        learn(connection);
        connection.setAutoCommit(autoCommit);
    }

    /** Asks for the incarnation; a server that does not say leaves unknown outcomes unknown. */
    void learn(Connection connection) {
        Incarnation[] found = {Incarnation.UNKNOWN};
        try {
            new Script()
                    .read(INCARNATION, row -> found[0] = Incarnation.of(row))
                    .run(connection);
        } catch (SQLException e) {
            LOG.info("the primary does not tell its incarnation: lost commits stay unknown ({})", Failures.describe(e));
        }
        incarnation = found[0];
    }

    /**
     * Asks until the server knows, or until the deadline.
     *
     * @param before the incarnation from before the transaction
     * @return {@code APPLIED}, {@code NOT_APPLIED} or {@code UNKNOWN}
     */
    Outcome resolve(String transactionId, Incarnation before, ConnectionSource source, Deadline deadline) {
        while (!before.timeline().isEmpty() && deadline.nanosLeft() > 0) {
            try {
                Optional<Outcome> outcome = look(transactionId, before, source, deadline);
                if (outcome.isPresent()) {
                    return outcome.get();
                }
            } catch (PrimaryFailure e) {
                // Not reachable yet: asked again.
                LOG.debug("the outcome of a commit cannot be asked for yet: {}", e.getMessage());
            }
            LockSupport.parkNanos(this, PAUSE_NANOS);
            if (Thread.currentThread().isInterrupted()) {
                break;
            }
        }
        return Outcome.UNKNOWN;
    }

    private Optional<Outcome> look(
            String transactionId, Incarnation before, ConnectionSource source, Deadline deadline) {
        Incarnation[] now = {Incarnation.UNKNOWN};
        String[] status = {""};
        try (Connection connection = source.connect(deadline, () -> {})) {
            int networkTimeout = connection.getNetworkTimeout();
            boolean autoCommit = connection.getAutoCommit();
            connection.setAutoCommit(true);
            connection.setNetworkTimeout(Runnable::run, Math.max(1, deadline.millisLeft()));
            learn(connection);
            now[0] = incarnation;
            try {
                new Script()
                        .read(
                                STATUS,
                                row -> {
                                    now[0] = Incarnation.of(row);
                                    status[0] = Optional.ofNullable(row.getString(4))
                                            .orElse("");
                                },
                                transactionId)
                        .run(connection);
            } catch (SQLException e) {
                if (!IN_THE_FUTURE.equals(e.getSQLState())) {
                    throw e;
                }
                // The name was given to nobody since the server forgot it: nothing of it was ever in its log.
                status[0] = "aborted";
            }
            connection.setAutoCommit(autoCommit);
            connection.setNetworkTimeout(Runnable::run, networkTimeout);
        } catch (SQLException e) {
            throw Failures.ofConnecting(e);
        }
        return said(status[0], before, now[0]);
    }

    /** What a status means for a transaction of an earlier moment; empty while it goes on. */
    static Optional<Outcome> said(String status, Incarnation before, Incarnation now) {
        if (!now.timeline().equals(before.timeline())) {
            return Optional.of(Outcome.UNKNOWN);
        }
        return switch (status) {
            case "committed" -> Optional.of(before.isSameAs(now) ? Outcome.APPLIED : Outcome.UNKNOWN);
            case "aborted" -> Optional.of(Outcome.NOT_APPLIED);
            case "in progress" -> Optional.empty();
            default -> Optional.of(Outcome.UNKNOWN);
        };
    }
}
