package dev.understudy.model;

/**
 * Position of a row in the order of the upserts of its key. Immutable.
 *
 * <p>A version orders upserts of one key; it never orders a delete against a later insert. Even versions are allocated by
 * the shared replica, odd ones by the primary under the row's lock, so that the two allocators never tie.
 *
 * @param value 0 ({@link #ABSENT}) to 2^53 - 1 ({@link #UNKNOWN}); microseconds since 1970 or a little above
 */
public record Version(long value) implements Comparable<Version> {
    /** The version of a row that does not exist. */
    public static final Version ABSENT = new Version(0);
    /** The version of every row of a table without a version column. */
    public static final Version UNVERSIONED = new Version(1);
    /** The largest value, "whatever version": a change whose version nobody knows. */
    public static final Version UNKNOWN = new Version((1L << 53) - 1);

    /** Refuses values outside 0 to 2^53 - 1: Lua counts in doubles. */
    public Version {
        if (value < 0 || value > (1L << 53) - 1) {
            throw new Invalid("version " + value + " is outside 0 to 2^53 - 1");
        }
    }

    /** Whether this version is of a row that does not exist. */
    public boolean isAbsent() {
        return value == 0;
    }

    /** Whether this is "whatever version". */
    public boolean isUnknown() {
        return value == UNKNOWN.value;
    }

    /** Whether the primary allocated this version, under the row's lock, and not the shared replica. */
    public boolean isStamped() {
        return value % 2 != 0;
    }

    /** Whether this version orders after the other. */
    public boolean isAfter(Version other) {
        return value > other.value;
    }

    @Override
    public int compareTo(Version other) {
        return Long.compare(value, other.value);
    }
}
