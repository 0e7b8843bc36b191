package dev.understudy.checkers;

/**
 * One call on one row, as its caller saw it. Immutable. Times are nanoseconds of one monotonic clock that all callers share; calls whose
 * times touch count as concurrent.
 *
 * @param process who called; calls of one process do not overlap
 * @param session the session the call belongs to; empty for none
 * @param key the row
 * @param kind what was called
 * @param level the consistency of a read; {@link Level#STRONG} for writes
 * @param boundNanos the staleness that a {@link Level#BOUNDED} read allows
 * @param value the unique number of the value written or read; {@link #NOTHING} for a delete and for a read that found no row
 * @param base for a compare-and-set the value that it replaced; {@link #ANY} for all others
 * @param version the version written or read; 0 if not known
 * @param invoked when the call was made
 * @param responded when the answer came; {@link #NEVER} if it did not
 * @param outcome what the caller knows
 */
public record Operation(
        int process,
        String session,
        String key,
        Kind kind,
        Level level,
        long boundNanos,
        long value,
        long base,
        long version,
        long invoked,
        long responded,
        Outcome outcome) {
    /** No row. */
    public static final long NOTHING = 0;
    /** A write that replaces whatever is there. */
    public static final long ANY = -1;
    /** After every other time. */
    public static final long NEVER = Long.MAX_VALUE;

    /** What was called. */
    public enum Kind {
        /** The row was asked for. */
        READ,
        /** The row was inserted or replaced. */
        WRITE,
        /** The row was deleted. */
        DELETE
    }

    /** What a read promises. */
    public enum Level {
        /** Some value that was written. */
        EVENTUAL,
        /** At least as new as everything acknowledged a while ago. */
        BOUNDED,
        /** As new as what its session wrote and saw. */
        SESSION,
        /** Linearizable. */
        STRONG
    }

    /** What the caller knows of a call. */
    public enum Outcome {
        /** It has happened. */
        OK,
        /** It has not and will not happen. */
        FAIL,
        /** It may have happened, or may happen yet. */
        UNKNOWN
    }

    /** Refuses histories that cannot be: values that are not named, answers before their calls. */
    public Operation {
        if (responded < invoked) {
            throw new IllegalArgumentException("an answer before its call");
        }
        if (kind == Kind.WRITE && value <= NOTHING) {
            throw new IllegalArgumentException("a value written is numbered from 1");
        }
        if (kind == Kind.DELETE && value != NOTHING) {
            throw new IllegalArgumentException("a delete leaves no value");
        }
    }

    /** Whether it may have changed the row. */
    public boolean mutates() {
        return kind != Kind.READ && outcome != Outcome.FAIL;
    }

    /** Whether it is a read that was answered. */
    public boolean isAnswer() {
        return kind == Kind.READ && outcome == Outcome.OK;
    }

    /** A read's or a write's line in a report. */
    @Override
    public String toString() {
        String what = switch (kind) {
            case READ -> "read " + level + (level == Level.BOUNDED ? "(" + boundNanos + ")" : "") + " -> ";
            case WRITE -> base == ANY ? "write " : "write over " + base + " ";
            case DELETE -> "delete ";
        };
        String end = responded == NEVER ? "never" : Long.toString(responded);
        return "[" + invoked + ", " + end + "] p" + process + (session.isEmpty() ? "" : " s" + session) + " " + key
                + " " + what + value + (version == 0 ? "" : " @" + version) + " " + outcome;
    }
}
