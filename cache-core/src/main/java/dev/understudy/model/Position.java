package dev.understudy.model;

/**
 * How many changes a shard has announced in one generation. Immutable. Positions of different generations or shards are not
 * comparable.
 *
 * @param generation the incarnation that counts
 * @param value changes announced so far, from 0
 */
public record Position(Generation generation, long value) {
    /** Before anything is known of a shard. */
    public static final Position NONE = new Position(Generation.NONE, 0);

    /** Whether a replica at this position has seen everything up to the other. False if the generations differ. */
    public boolean covers(Position other) {
        return generation.equals(other.generation) && value >= other.value;
    }
}
