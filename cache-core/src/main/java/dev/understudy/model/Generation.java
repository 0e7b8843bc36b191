package dev.understudy.model;

/**
 * One incarnation of a shard's data in the shared replica. Immutable. A restart, failover or flush of the shared replica
 * starts a new one; generations are compared for equality only.
 *
 * @param value 1 to 2^32 - 1, random; 0 is {@link #NONE}
 */
public record Generation(long value) {
    /** No incarnation is known yet. */
    public static final Generation NONE = new Generation(0);

    /** Refuses values outside 32 bits. */
    public Generation {
        if (value < 0 || value > 0xFFFF_FFFFL) {
            throw new Invalid("generation " + value + " is outside 0 to 2^32 - 1");
        }
    }
}
