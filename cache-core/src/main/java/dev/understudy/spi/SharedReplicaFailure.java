package dev.understudy.spi;

import org.jspecify.annotations.Nullable;

/** The shared replica did not carry out a command. */
public final class SharedReplicaFailure extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** Why. */
    public enum Reason {
        /** Not connected when the command was issued; it was not sent. */
        NOT_SENT,
        /** No answer in time, or the connection broke after sending: it may have run. */
        NO_ANSWER,
        /** The server is out of memory and refused the write; nothing was changed. */
        OUT_OF_MEMORY,
        /** The server answered with another error; nothing was changed. */
        REFUSED
    }

    private final Reason reason;

    /** A failure for that reason. The message must not hold keys or values. */
    public SharedReplicaFailure(Reason reason, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.reason = reason;
    }

    /** Why. */
    public Reason reason() {
        return reason;
    }
}
