package dev.understudy.model;

/**
 * Of a call in chunks ({@link Write#inChunksOf}) some were written before one failed, for the reason that is the cause. The rows of the
 * chunk that failed have the cause's outcome, those after it were not tried.
 */
public final class PartlyWritten extends UnderstudyException {
    private static final long serialVersionUID = 1L;

    private final int written;

    /** A call of which so many rows are written, its first ones. */
    public PartlyWritten(int written, UnderstudyException cause) {
        super("the first chunks are written, one is not", cause, cause.tier(), cause.isRetryable(), Outcome.UNKNOWN);
        this.written = written;
    }

    /** How many rows are written: the first ones, in the order of the call. More than 0, less than all. */
    public int written() {
        return written;
    }
}
