package dev.understudy.spi;

import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What the engine asks of one shard of the shared replica. Each command is atomic. All but {@link Open} carry the generation
 * they expect; a shard of another one fails them with {@link GenerationChanged} and changes nothing.
 *
 * @param <R> the reply
 */
public sealed interface SharedCommand<R> {
    /** The shard that is changed or asked. */
    int shard();

    /** A command about one key. */
    sealed interface Keyed<R> extends SharedCommand<R> {
        /** The key. */
        ShardKey key();

        @Override
        default int shard() {
            return key().shard();
        }

        /** The generation expected. */
        Generation generation();
    }

    /** Adopts the shard's generation, or starts a new one if the server has lost or gone back in its data. */
    record Open(int shard) implements SharedCommand<ShardPosition> {}

    /**
     * Puts a write-through's marker on the key and allocates its version. Voids every lease.
     *
     * @param marker how long the marker holds; afterwards the entry is suspect
     * @param known the highest version the writer knows for the key
     */
    record Prepare(ShardKey key, Generation generation, Duration marker, Version known) implements Keyed<Prepared> {}

    /**
     * Extends a writer's marker from now, unless it is lost.
     *
     * @param deadlineMicros until when the writer's own marker holds, as PREPARE or the last renewal told: past it, a marker
     *     that is found may be another writer's
     */
    record Renew(ShardKey key, Generation generation, Duration marker, long deadlineMicros) implements Keyed<Renewed> {}

    /**
     * The outcome of a write-through: installs, forgets or withdraws, and takes the marker back.
     *
     * @param change what the primary did
     * @param version the version committed; of a delete that of its tombstone: what is pending above it stays
     * @param payload the encoded row; empty for a delete or abort
     * @param timeToLive of a clean entry, jitter included
     * @param prepared the reply that gave the marker; empty if an earlier APPLY's outcome is unknown, or there is none: no marker is
     *     taken back then and nothing is installed over a clean entry
     * @param writeId the operation
     * @param forgets whether an upsert makes the replica forget instead of installing (no version column)
     */
    record Apply(
            ShardKey key,
            Generation generation,
            AppliedChange change,
            Version version,
            byte[] payload,
            Duration timeToLive,
            Optional<Prepared> prepared,
            long writeId,
            boolean forgets)
            implements Keyed<ApplyReply> {}

    /** What a write-through did to the row. */
    enum AppliedChange {
        /** Inserted or updated. */
        UPSERTED,
        /** Deleted. */
        DELETED,
        /** Certainly nothing. */
        ABORTED
    }

    /** Asks for the entry, or for the right to fill it. */
    record Lease(ShardKey key, Generation generation, long leaseId, Duration duration) implements Keyed<LeaseReply> {}

    /** Stores what a load found, if the lease still holds. {@code version} is that of the row; empty payload for no row. */
    record Fill(
            ShardKey key,
            Generation generation,
            long leaseId,
            EntryKind kind,
            Version version,
            byte[] payload,
            Duration timeToLive)
            implements Keyed<FillReply> {}

    /**
     * Logs a write-back: value, queue, position and announcement at once.
     *
     * @param kind {@link EntryKind#VALUE} or {@link EntryKind#DELETED}
     * @param condition what must hold of the current value
     * @param base the row's version if the caller has just loaded it ({@link Version#UNKNOWN}: the primary cannot be asked);
     *     empty asks for {@link WriteBackReply.Cold} if the replica knows nothing
     * @param limit what the shard's queue may hold
     * @param known the highest version the writer knows for the key
     * @param carried which pending values it may replace; empty for any
     */
    record WriteBack(
            ShardKey key,
            Generation generation,
            EntryKind kind,
            byte[] payload,
            long writeId,
            Condition condition,
            Optional<Version> base,
            QueueLimit limit,
            Version known,
            Optional<Carried> carried)
            implements Keyed<WriteBackReply> {
        /** One that may replace any pending value. */
        public WriteBack(
                ShardKey key,
                Generation generation,
                EntryKind kind,
                byte[] payload,
                long writeId,
                Condition condition,
                Optional<Version> base,
                QueueLimit limit,
                Version known) {
            this(key, generation, kind, payload, writeId, condition, base, limit, known, Optional.empty());
        }
    }

    /**
     * The pending values that a write-back of a value may replace without losing a column; another one is answered with
     * {@link WriteBackReply.Foreign}.
     *
     * @param head what the payload begins with if it has the writer's own columns
     * @param version of the one pending value whose further columns the new payload carries on; {@link Version#ABSENT} for none
     */
    record Carried(byte[] head, Version version) {}

    /**
     * The entries that have been pending for at least {@code age} by the shared replica's clock, oldest first.
     *
     * @param limit how many at most: 1 to {@value #LIMIT_MOST}
     */
    record Peek(int shard, Generation generation, Duration age, int limit) implements SharedCommand<List<Pending>> {
        /** Half of what a script of Redis can read at once. */
        public static final int LIMIT_MOST = 4_000;

        public Peek {
            if (limit < 1 || limit > LIMIT_MOST) {
                throw new Invalid("the limit of a peek is " + limit + " instead of 1 to " + LIMIT_MOST);
            }
        }
    }

    /**
     * Tells what became of a pending entry that was given to the primary.
     *
     * @param version of the entry as peeked
     * @param kind of the entry as peeked
     * @param fate what the primary did
     * @param correction the row as the primary stored it, if it differs from what was sent
     * @param writeId of the entry as peeked
     */
    record Drained(
            ShardKey key,
            Generation generation,
            Version version,
            EntryKind kind,
            Fate fate,
            Optional<Correction> correction,
            Duration timeToLive,
            long writeId)
            implements Keyed<DrainedReply> {}

    /** What became of a pending entry at the primary. */
    enum Fate {
        /** Written, or found written by an earlier attempt. */
        APPLIED,
        /** The primary holds something newer. */
        SUPERSEDED,
        /** Refused by the primary and recorded in the dead letters. */
        DEAD
    }

    /** A row as the primary stored it. */
    record Correction(Version version, byte[] payload) {}

    /** The primary holds at least that version, or {@link Version#ABSENT}: something unknown, as after a delete. */
    record Invalidate(ShardKey key, Generation generation, Version version) implements Keyed<InvalidateReply> {}

    /**
     * Any row may have changed: begins another generation, so that clean entries, leases and markers of before mean nothing; what is pending
     * stays pending.
     */
    record Distrust(int shard, Generation generation) implements SharedCommand<ShardPosition> {}

    /**
     * Puts an acknowledged write-back that the shared replica has lost into place again. Of a key that nothing is pending of, only under a
     * lease that was given before the primary was asked: a newer write, drained and forgotten in between, ends it.
     *
     * @param leaseId not given to anybody before; the lease is asked for by a command that is not {@code isAsked}
     * @param isAsked whether the primary was asked after that command, and has no such version
     */
    record Restore(
            ShardKey key,
            Generation generation,
            EntryKind kind,
            byte[] payload,
            long writeId,
            Version version,
            long leaseId,
            boolean isAsked)
            implements Keyed<RestoreReply> {}

    /** Counts acknowledged write-backs that are lost for ever. */
    record ReportLost(int shard, Generation generation, long writes) implements SharedCommand<ShardStatus> {}

    /** The shard's counters and queue. */
    record Status(int shard, Generation generation) implements SharedCommand<ShardStatus> {}

    /**
     * Condition of a write-back.
     *
     * @param code -1 none, -2 the row must exist, 0 it must not, else the version that must be current
     */
    record Condition(long code) {
        /** None. */
        public static final Condition NONE = new Condition(-1);
        /** There must be a row. */
        public static final Condition EXISTS = new Condition(-2);
        /** There must be no row. */
        public static final Condition MISSING = new Condition(0);

        /** That version must be current. */
        public static Condition version(Version version) {
            return new Condition(version.value());
        }
    }
}
