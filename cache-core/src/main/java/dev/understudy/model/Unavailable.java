package dev.understudy.model;

import org.jspecify.annotations.Nullable;

/** A tier cannot be reached, or cannot do what was asked at present. */
public final class Unavailable extends UnderstudyException {
    private static final long serialVersionUID = 1L;

    /** A tier that cannot be reached, with what is known of the operation. */
    public Unavailable(String message, @Nullable Throwable cause, Tier tier, Outcome outcome) {
        super(message, cause, tier, true, outcome);
    }
}
