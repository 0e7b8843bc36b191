package dev.understudy.spi;

/** The shard is of another generation than the command expected, or of none. Nothing was changed. */
public final class GenerationChanged extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int shard;

    /** A shard that must be opened again. */
    public GenerationChanged(int shard) {
        super("shard " + shard + " is of another generation", null, false, false);
        this.shard = shard;
    }

    /** The shard. */
    public int shard() {
        return shard;
    }
}
