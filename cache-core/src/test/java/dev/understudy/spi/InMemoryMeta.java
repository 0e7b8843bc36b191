package dev.understudy.spi;

/**
 * One shard's meta record of the in-memory shared replica: generation, position, clock, era and the counters of conservation.
 * Not thread-safe.
 */
public final class InMemoryMeta {
    long generation;
    long position;
    long clock;
    long era;
    long acked;
    long applied;
    long superseded;
    long dead;
    long lost;
    long hollow;
    long bytes;

    InMemoryMeta() {}

    InMemoryMeta copy() {
        InMemoryMeta copy = new InMemoryMeta();
        copy.generation = generation;
        copy.position = position;
        copy.clock = clock;
        copy.era = era;
        copy.acked = acked;
        copy.applied = applied;
        copy.superseded = superseded;
        copy.dead = dead;
        copy.lost = lost;
        copy.hollow = hollow;
        copy.bytes = bytes;
        return copy;
    }

    /** Generation, position, clock, era, acked, applied, superseded, dead, lost, hollow, bytes: the order of the byte layout. */
    public long[] fields() {
        return new long[] {generation, position, clock, era, acked, applied, superseded, dead, lost, hollow, bytes};
    }
}
