package dev.understudy.model;

import org.jspecify.annotations.Nullable;

/**
 * The root of everything the library throws at run time. Says which tier failed, whether a retry can help, and what is known
 * of the operation. Messages never hold keys or values.
 */
public abstract sealed class UnderstudyException extends RuntimeException
        permits Conflict, Rejected, DeadlineExceeded, Unavailable, Invalid, PartlyWritten {
    private static final long serialVersionUID = 1L;

    private final Tier tier;
    private final boolean retryable;
    private final Outcome outcome;

    UnderstudyException(String message, @Nullable Throwable cause, Tier tier, boolean retryable, Outcome outcome) {
        super(message, cause);
        this.tier = tier;
        this.retryable = retryable;
        this.outcome = outcome;
    }

    /** The copy that failed or refused. */
    public Tier tier() {
        return tier;
    }

    /** Whether the same call may succeed later without a change by the caller. */
    public boolean isRetryable() {
        return retryable;
    }

    /** What is known of the operation's effect. */
    public Outcome outcome() {
        return outcome;
    }
}
