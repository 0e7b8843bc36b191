package dev.understudy.model;

/**
 * A call in chunks ({@link Write#inChunksOf}) has ended at one that failed, for the reason that is the cause: the chunks before it are written,
 * those after it were not tried. The rows of the failed chunk have the cause's outcome; in write-back some of them may be logged although it says
 * that one was not. A retry of the whole call would write the first ones once more: go on after {@link #written}.
 */
public final class PartlyWritten extends UnderstudyException {
    private static final long serialVersionUID = 1L;

    private final int written;

    /** A call of which so many rows are written for certain, its first ones. */
    public PartlyWritten(int written, UnderstudyException cause) {
        super(written + " rows are written, then a chunk failed", cause, cause.tier(), false, Outcome.UNKNOWN);
        this.written = written;
    }

    /**
     * How many rows are written for certain: the first ones, in the order of the call. More than 0, less than all. The chunk that failed counts
     * only where the cause's outcome is {@link Outcome#APPLIED}.
     */
    public int written() {
        return written;
    }
}
