package dev.understudy.model;

import org.jspecify.annotations.Nullable;

/** The call, value or configuration is wrong; a retry cannot help. Nothing was applied. */
public final class Invalid extends UnderstudyException {
    private static final long serialVersionUID = 1L;

    /** Something the library refuses itself. */
    public Invalid(String message) {
        this(message, null, Tier.LIBRARY);
    }

    /** Something the named tier refuses. */
    public Invalid(String message, @Nullable Throwable cause, Tier tier) {
        super(message, cause, tier, false, Outcome.NOT_APPLIED);
    }
}
