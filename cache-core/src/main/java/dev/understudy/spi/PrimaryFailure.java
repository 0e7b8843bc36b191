package dev.understudy.spi;

import dev.understudy.model.Outcome;
import org.jspecify.annotations.Nullable;

/** The primary did not carry out a transaction. The message holds no keys or values. */
public final class PrimaryFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What a retry can do about it. */
    public enum Kind {
        /** It may pass: connection lost, deadlock, lock or statement timeout, disk full, read only, shutting down. */
        TRANSIENT,
        /** The data is at fault: a constraint or a value (SQLSTATE classes 22 and 23). */
        DATA,
        /** The statement or the rights are at fault: a missing column, a permission. */
        DEFINITION,
        /** No connection within the time allowed. */
        NO_CONNECTION
    }

    private final Kind kind;
    private final String sqlState;
    private final Outcome outcome;

    /** A failure with its SQLSTATE; empty if there is none. */
    public PrimaryFailure(Kind kind, String sqlState, Outcome outcome, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.kind = kind;
        this.sqlState = sqlState;
        this.outcome = outcome;
    }

    /** What a retry can do about it. */
    public Kind kind() {
        return kind;
    }

    /** The SQLSTATE; empty if there is none. */
    public String sqlState() {
        return sqlState;
    }

    /** Whether the server, or the way to it, is lost (SQLSTATE class 08) or it is shutting down (57P). */
    public boolean isServerAway() {
        return sqlState.startsWith("08") || sqlState.startsWith("57P");
    }

    /** {@link Outcome#UNKNOWN} if the connection was lost while committing, else {@link Outcome#NOT_APPLIED}. */
    public Outcome outcome() {
        return outcome;
    }
}
