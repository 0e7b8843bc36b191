package dev.understudy.model;

import org.jspecify.annotations.Nullable;

/** The deadline of a call passed before its answer was there. */
public final class DeadlineExceeded extends UnderstudyException {
    private static final long serialVersionUID = 1L;

    /** A deadline that passed while the named tier was waited for. */
    public DeadlineExceeded(String message, @Nullable Throwable cause, Tier tier, Outcome outcome) {
        super(message, cause, tier, true, outcome);
    }
}
