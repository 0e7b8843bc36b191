package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.spi.Primary.Use;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A transaction on a borrowed connection. Confined to one thread.
 *
 * <p>Isolation level and timeouts are set for the transaction only, in the same round trip as its first statement, and again
 * when much of the time has passed; the driver adds BEGIN to it. A {@link Use#LOAD} is one statement in a transaction of its
 * own, without BEGIN and COMMIT, unless somebody asks for the JDBC connection. The check of the commit deadline travels with
 * COMMIT. So a write is two round trips and a load one.
 */
final class PostgresConnection implements PrimaryConnection {
    /** The server's own timeouts fire first; the socket's is for a server or network that does not answer at all. */
    private static final int SOCKET_GRACE_MILLIS = 500;
    /** Ends the session, where the statement's timeout only ends the statement: so it comes after it. */
    private static final int TRANSACTION_GRACE_MILLIS = 200;
    /** The first version that can bound a whole transaction. */
    private static final int TRANSACTION_TIMEOUT_VERSION = 17;
    /** What the server says when the deadline check fails: an unknown setting of this name, which exists nowhere. */
    private static final String TOO_LATE = "understudy.commit_deadline_passed";

    private static final String TOO_LATE_STATE = "42704";
    private static final String ISOLATION = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";
    private static final String DEADLINE_CHECK = "SELECT CASE WHEN extract(epoch FROM clock_timestamp()) * 1000000 >"
            + " ?::bigint THEN current_setting('" + TOO_LATE + "') END";

    private final Connection connection;
    private final Deadline deadline;
    private final boolean isJoined;
    private final boolean isNamed;

    private @Nullable String transactionId;
    private boolean isTransaction;
    private boolean isBegun;
    private int boundMillis;
    private int idleMillis = Integer.MAX_VALUE;
    private int lockMillis;
    private long commitDeadlineMicros = Long.MAX_VALUE;
    private @Nullable Connection lent;

    PostgresConnection(Connection connection, Use use, Deadline deadline) throws SQLException {
        this.connection = connection;
        this.isJoined = false;
        this.deadline = deadline;
        this.isTransaction = use != Use.LOAD;
        // A drain that is written again changes nothing, so it need not know what became of the first.
        this.isNamed = use == Use.COMMIT;
        this.lockMillis = use == Use.DRAIN ? PostgresLedger.LOCK_TIMEOUT_MILLIS : Integer.MAX_VALUE;
        connection.setAutoCommit(!isTransaction);
    }

    private PostgresConnection(Connection connection, Deadline deadline) {
        this.connection = connection;
        this.deadline = deadline;
        this.isJoined = true;
        this.isNamed = false;
        this.isTransaction = true;
        this.lockMillis = Integer.MAX_VALUE;
    }

    /** A connection whose transaction somebody else manages: no setting of it is touched but the one that ends with it. */
    static PostgresConnection joined(Connection connection, Deadline deadline) {
        return new PostgresConnection(connection, deadline);
    }

    /** The adapter's connection behind the port's. */
    static PostgresConnection of(PrimaryConnection connection) {
        return connection.unwrap(PostgresConnection.class);
    }

    @Override
    public <T> T unwrap(Class<T> type) {
        if (type == PostgresConnection.class) {
            return type.cast(this);
        }
        if (type == Connection.class) {
            try {
                return type.cast(lend());
            } catch (SQLException e) {
                throw Failures.ofStatement(e);
            }
        }
        throw new Invalid("the connection is a java.sql.Connection, not a " + type.getName());
    }

    /** The JDBC connection, inside a transaction whose timeouts are set. */
    private Connection lend() throws SQLException {
        Connection guarded = lent;
        if (guarded == null && isJoined) {
            guarded = GuardedConnection.of(connection);
            lent = guarded;
        }
        if (guarded == null) {
            if (!isTransaction) {
                isTransaction = true;
                connection.setAutoCommit(false);
            }
            bounds().add(OutboxTrigger.writer(false)).run(connection);
            guarded = GuardedConnection.of(connection);
            lent = guarded;
        }
        return guarded;
    }

    /** Runs the script in one round trip. */
    void run(Script script) throws SQLException {
        if (script.isEmpty()) {
            return;
        }
        Script bounded = bounds();
        if (lent != null || isJoined) {
            // What the caller does on the connection meanwhile is not the library's.
            bounded.add(OutboxTrigger.writer(true)).add(script).add(OutboxTrigger.writer(false));
        } else {
            bounded.add(script);
        }
        bounded.run(connection);
    }

    /** Lowers the waits for a row and for a silent owner until the transaction ends. */
    void tighten(Duration idle, Duration lock) {
        idleMillis = (int) Math.max(1, Math.min(idleMillis, idle.toMillis()));
        lockMillis = (int) Math.max(1, Math.min(lockMillis, lock.toMillis()));
        boundMillis = 0;
    }

    /** Lowers the wait for a row until the transaction ends. */
    void lockTimeout(Duration timeout) {
        lockMillis = (int) Math.max(1, Math.min(lockMillis, timeout.toMillis()));
        boundMillis = 0;
    }

    /** Makes COMMIT fail if the time is past by the server's clock. */
    void commitBefore(long deadlineMicros) {
        commitDeadlineMicros = Math.min(commitDeadlineMicros, deadlineMicros);
        if (isJoined) {
            try {
                new Script()
                        .add(DEADLINE_CHECK, Long.toString(commitDeadlineMicros))
                        .run(connection);
            } catch (SQLException e) {
                throw isTooLate(e) ? tooLate() : Failures.ofStatement(e);
            }
        }
    }

    private static boolean isTooLate(SQLException e) {
        return TOO_LATE_STATE.equals(e.getSQLState())
                && Optional.ofNullable(e.getMessage()).orElse("").contains(TOO_LATE);
    }

    /** The statements that bound what follows; empty as long as what was set is nearly right. */
    private Script bounds() throws SQLException {
        int left = deadline.millisLeft();
        if (left == 0) {
            throw new SQLException("the call's time is over", "57014");
        }
        Script script = new Script();
        if (isJoined) {
            return script;
        }
        boolean isSet = isTransaction && isBegun && boundMillis > 0 && left > boundMillis - boundMillis / 4;
        if (isSet) {
            return script;
        }
        connection.setNetworkTimeout(
                Runnable::run, (int) Math.min(Integer.MAX_VALUE, left + (long) SOCKET_GRACE_MILLIS));
        if (!isTransaction) {
            return script.add("SELECT set_config('statement_timeout', ?, true)", Integer.toString(left));
        }
        boolean isFirst = !isBegun;
        if (isFirst) {
            script.add(ISOLATION);
            isBegun = true;
        }
        boundMillis = left;
        String statement = Integer.toString(left);
        String lock = Integer.toString(Math.min(left, lockMillis));
        String idle = Integer.toString(Math.min(left, idleMillis));
        String settings = "SELECT set_config('statement_timeout', ?, true), set_config('lock_timeout', ?, true),"
                + " set_config('idle_in_transaction_session_timeout', ?, true)";
        if (lent == null) {
            settings += ", set_config('" + OutboxTrigger.WRITER + "', 'on', true)";
        }
        List<String> values = new ArrayList<>(List.of(statement, lock, idle));
        if (connection.getMetaData().getDatabaseMajorVersion() >= TRANSACTION_TIMEOUT_VERSION) {
            settings += ", set_config('transaction_timeout', ?, true)";
            values.add(Long.toString(left + (long) TRANSACTION_GRACE_MILLIS));
        }
        if (isFirst && isNamed) {
            return script.read(
                    settings + ", pg_current_xact_id()::text AS id",
                    row -> transactionId = row.getString("id"),
                    values.toArray(String[]::new));
        }
        return script.add(settings, values.toArray(String[]::new));
    }

    /** The server's name of the transaction, by which its outcome can be asked for later; empty if it has none yet. */
    Optional<String> transactionId() {
        return Optional.ofNullable(transactionId);
    }

    /** Commits; nothing to do if nothing was sent. */
    void commit() {
        if (!isTransaction || !isBegun) {
            return;
        }
        try {
            // The check also fails in a transaction of which a statement has failed; the server would answer COMMIT
            // alone by
            // rolling back, and the driver (42.7.14) would not tell.
            new Script()
                    .add(DEADLINE_CHECK, Long.toString(commitDeadlineMicros))
                    .add("COMMIT")
                    .run(connection);
        } catch (SQLException e) {
            throw isTooLate(e) ? tooLate() : Failures.ofCommit(e);
        }
    }

    /** Rolls back; a connection on which even that fails is closed by its pool, which ends the transaction as well. */
    void rollBack(Throwable why) {
        if (!isTransaction || !isBegun) {
            return;
        }
        try {
            connection.rollback();
        } catch (SQLException e) {
            why.addSuppressed(Failures.ofStatement(e));
        }
    }

    private static PrimaryFailure tooLate() {
        return new PrimaryFailure(
                PrimaryFailure.Kind.TRANSIENT,
                "",
                Outcome.NOT_APPLIED,
                "the marker's deadline had passed before the commit",
                null);
    }
}
