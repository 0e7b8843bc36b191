package dev.understudy.model;

/** A condition of a write did not hold: another version is current, the row exists, or it does not. Nothing was applied. */
public final class Conflict extends UnderstudyException {
    private static final long serialVersionUID = 1L;

    private final transient Version currentVersion;

    /** A conflict with the version that was found; {@link Version#ABSENT} if there is no row. */
    public Conflict(String message, Tier tier, Version currentVersion) {
        super(message, null, tier, true, Outcome.NOT_APPLIED);
        this.currentVersion = currentVersion;
    }

    /** The version found; {@link Version#ABSENT} if there is no row. */
    public Version currentVersion() {
        return currentVersion;
    }
}
