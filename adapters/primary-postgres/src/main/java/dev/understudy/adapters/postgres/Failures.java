package dev.understudy.adapters.postgres;

import dev.understudy.model.Outcome;
import dev.understudy.model.UnderstudyException;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.PrimaryFailure.Kind;
import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * Classifies what the driver throws, by SQLSTATE. Stateless. Source: Postgres documentation, appendix A "PostgreSQL Error
 * Codes".
 *
 * <p>The server's own texts may hold values (a duplicate key, a malformed number). What leaves this class, messages of causes
 * included, holds only severity, SQLSTATE and the names of table, column and constraint.
 */
final class Failures {
    private static final Set<String> TRANSIENT_CLASSES = Set.of("08", "40", "53", "55", "57", "58", "3D");
    /** Read only; idle in a transaction, or in one, for too long: the server ended the session or refused the write. */
    private static final Set<String> TRANSIENT_STATES = Set.of("25006", "25P03", "25P04");
    /** Errors whose text names objects and nothing else: unknown column or table, missing right. */
    private static final Set<String> NAMING_STATES = Set.of("42501", "42703", "42P01", "3F000");

    private Failures() {}

    /** Whether the exception, or one that it wraps, is the primary's; wrappers of SQL libraries are seen through. */
    static @Nullable SQLException sqlException(Throwable thrown) {
        int depth = 0;
        for (Throwable e = thrown; e != null && depth < 16; e = e.getCause(), depth++) {
            if (e instanceof SQLException sql) {
                return sql;
            }
            if (e instanceof UnderstudyException || e instanceof PrimaryFailure) {
                return null;
            }
        }
        return null;
    }

    /** A failure of a statement; nothing was committed. */
    static PrimaryFailure ofStatement(SQLException e) {
        return failure(kind(e), e, Outcome.NOT_APPLIED, "the primary refused a statement");
    }

    /** A failure of COMMIT: unknown unless the server itself said that the transaction failed. */
    static PrimaryFailure ofCommit(SQLException e) {
        return isVerdict(e)
                ? failure(kind(e), e, Outcome.NOT_APPLIED, "the primary refused to commit")
                : failure(Kind.TRANSIENT, e, Outcome.UNKNOWN, "the connection was lost while committing");
    }

    /** A failure to get a connection. */
    static PrimaryFailure ofConnecting(SQLException e) {
        String state = state(e);
        boolean isDenied = state.startsWith("28") || state.startsWith("42");
        return failure(
                isDenied ? Kind.DEFINITION : Kind.NO_CONNECTION,
                e,
                Outcome.NOT_APPLIED,
                "no connection to the primary");
    }

    /** No connection within the time allowed. */
    static PrimaryFailure noConnection(String message) {
        return new PrimaryFailure(Kind.NO_CONNECTION, "", Outcome.NOT_APPLIED, message, null);
    }

    /** No connection, because the server is away. */
    static PrimaryFailure unreachable(String message) {
        return new PrimaryFailure(Kind.NO_CONNECTION, "08001", Outcome.NOT_APPLIED, message, null);
    }

    static Kind kind(SQLException e) {
        String state = state(e);
        String stateClass = state.length() < 2 ? "" : state.substring(0, 2);
        if (stateClass.equals("22") || stateClass.equals("23")) {
            return Kind.DATA;
        }
        boolean isTransient = TRANSIENT_CLASSES.contains(stateClass)
                || TRANSIENT_STATES.contains(state)
                || (state.isEmpty() && e instanceof SQLTransientException);
        return isTransient ? Kind.TRANSIENT : Kind.DEFINITION;
    }

    /** The SQLSTATE; empty if there is none. */
    static String state(SQLException e) {
        return e.getSQLState() == null ? "" : e.getSQLState();
    }

    /** Whether the server answered with an error of the transaction, and not with the end of the session. */
    private static boolean isVerdict(SQLException e) {
        String state = state(e);
        if (state.equals("40003") || state.startsWith("08")) {
            return false;
        }
        ServerErrorMessage server = e instanceof PSQLException ps ? ps.getServerErrorMessage() : null;
        if (server == null) {
            // The driver itself: a COMMIT that the server answered with ROLLBACK, because a statement had failed.
            return state.startsWith("25") || state.startsWith("40");
        }
        String severity = server.getSeverity();
        return !"FATAL".equals(severity) && !"PANIC".equals(severity) && !state.startsWith("57P");
    }

    private static PrimaryFailure failure(Kind kind, SQLException e, Outcome outcome, String what) {
        String message = what + ": " + describe(e);
        SQLException cause = new SQLException(e.getClass().getSimpleName() + ": " + describe(e), e.getSQLState());
        cause.setStackTrace(e.getStackTrace());
        return new PrimaryFailure(kind, state(e), outcome, message, cause);
    }

    /** Severity, SQLSTATE and names of the objects involved. */
    static String describe(SQLException e) {
        StringBuilder text = new StringBuilder();
        ServerErrorMessage server = e instanceof PSQLException ps ? ps.getServerErrorMessage() : null;
        text.append(server == null || server.getSeverity() == null ? "ERROR" : server.getSeverity());
        text.append(", SQLSTATE ").append(state(e).isEmpty() ? "none" : state(e));
        if (server != null) {
            name(text, "table", server.getTable());
            name(text, "column", server.getColumn());
            name(text, "constraint", server.getConstraint());
            if (NAMING_STATES.contains(state(e)) && server.getMessage() != null) {
                text.append(", ").append(server.getMessage());
            }
        }
        if (state(e).equals("26000")) {
            text.append(", a prepared statement is gone: behind a transaction pooler without support for them, set"
                    + " prepareThreshold=0 in the JDBC URL");
        }
        return text.toString();
    }

    private static void name(StringBuilder text, String what, @Nullable String name) {
        if (name != null && !name.isEmpty()) {
            text.append(", ").append(what).append(' ').append(name);
        }
    }
}
