package dev.understudy.model;

/**
 * What an acknowledged write-back has survived already. Immutable.
 *
 * @param level the kind of promise
 * @param replicas how many replicas of the shared replica have received it; 0 unless {@link Level#REPLICATED}
 */
public record Ack(Level level, int replicas) {
    /** The kinds of promise, weakest first. */
    public enum Level {
        /** The shared replica has it in memory. */
        ACCEPTED,
        /** It is on that many replicas of the shared replica. */
        REPLICATED,
        /** It survives a crash and power loss of the shared replica. */
        FSYNCED
    }

    /** The shared replica has the write in memory (asynchronous replication). */
    public static final Ack ACCEPTED = new Ack(Level.ACCEPTED, 0);
    /** The write survives a crash and a power loss of the shared replica's primary (semi-synchronous). */
    public static final Ack FSYNCED = new Ack(Level.FSYNCED, 0);

    /** Refuses a count that does not go with the level. */
    public Ack {
        if ((level == Level.REPLICATED) != (replicas > 0) || replicas < 0 || replicas > 16) {
            throw new Invalid("ack " + level + " with " + replicas + " replicas; REPLICATED takes 1 to 16, others 0");
        }
    }

    /** The write is on {@code replicas} (1 to 16) replicas of the shared replica (semi-synchronous). */
    public static Ack replicated(int replicas) {
        return new Ack(Level.REPLICATED, replicas);
    }
}
