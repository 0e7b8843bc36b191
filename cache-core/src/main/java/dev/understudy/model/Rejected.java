package dev.understudy.model;

/** A limit is reached: the queue, the callers waiting, the loads under way. Nothing was applied. */
public final class Rejected extends UnderstudyException {
    private static final long serialVersionUID = 1L;

    private final String limit;

    /** A rejection by the limit of that name. */
    public Rejected(String message, Tier tier, String limit) {
        super(message, null, tier, true, Outcome.NOT_APPLIED);
        this.limit = limit;
    }

    /** The name of the limit, as in the configuration. */
    public String limit() {
        return limit;
    }
}
