package dev.understudy.engine;

import dev.understudy.model.OnPartition;
import dev.understudy.model.Outcome;
import dev.understudy.model.Unavailable;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;

/**
 * Synchronous replication: prepare, commit, apply. Thread-safe.
 *
 * <p>The marker that is put before the SQL keeps every load that began earlier from filling the shared replica, and makes the entry suspect
 * if this process dies before it has told the outcome.
 */
final class WriteThrough<K, V> {
    /** How long a statement waits for a locked row at first, and at most: below Postgres' own deadlock_timeout of a second. */
    static final Duration LOCK_WAIT = Duration.ofMillis(50);

    private static final Duration LONGEST_LOCK_WAIT = Duration.ofMillis(400);
    private static final Duration LOCK_PAUSE = Duration.ofMillis(20);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final LateApplies late;
    private final GroupCommit<K, V> group;
    private final OutboxDelivery<K, V> outbox;

    WriteThrough(
            CacheContext<K, V> context,
            Shards shards,
            NearTier<K, V> near,
            LateApplies late,
            OutboxDelivery<K, V> outbox) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.late = late;
        this.outbox = outbox;
        this.group = new GroupCommit<>(context, this);
    }

    /** Writes all rows in one transaction: all or none. A single row may share its transaction with those of other callers. */
    Map<K, WriteReceipt> write(List<Mutation<K, V>> mutations, Known<K> known, Deadline deadline) {
        context.gate.enter();
        if (mutations.size() == 1) {
            Mutation<K, V> only = mutations.get(0);
            return Map.of(only.key(), group.write(only, known, deadline));
        }
        return alone(mutations, known, deadline);
    }

    /** The same; while the shared replica cannot be reached, at the primary alone if that is wanted. */
    Map<K, WriteReceipt> write(
            List<Mutation<K, V>> mutations, Known<K> known, Deadline deadline, OnPartition onPartition) {
        return available(
                onPartition,
                () -> write(mutations, known, deadline),
                () -> detached(known, deadline, (write, connection) -> write.write(connection, mutations)));
    }

    /** Runs the one work, or the other if the shared replica cannot be reached and that is wanted. */
    Map<K, WriteReceipt> available(
            OnPartition onPartition, Supplier<Map<K, WriteReceipt>> attached, Supplier<Map<K, WriteReceipt>> detached) {
        if (onPartition == OnPartition.AVAILABLE) {
            outbox.require();
        }
        try {
            return attached.get();
        } catch (Unavailable e) {
            if (onPartition == OnPartition.CONSISTENT || !OutboxDelivery.isAway(e)) {
                throw e;
            }
            return detached.get();
        }
    }

    /** Work on a part that goes without the shared replica. */
    @FunctionalInterface
    interface DetachedStep<K, V> {
        void on(DetachedWrite<K, V> write, PrimaryConnection connection) throws Exception;
    }

    /** A repository's part in a transaction that goes without the shared replica. */
    DetachedWrite<K, V> detachedPart(Known<K> known) {
        return new DetachedWrite<>(context, near, outbox, known);
    }

    /** Runs the step in a transaction at the primary alone, with a note of what it changes. */
    Map<K, WriteReceipt> detached(Known<K> known, Deadline deadline, DetachedStep<K, V> step) {
        DetachedWrite<K, V> write = detachedPart(known);
        try {
            context.gate.call(Primary.Use.COMMIT, deadline, connection -> {
                step.on(write, connection);
                write.beforeCommit(connection);
                return true;
            });
        } catch (Throwable e) {
            write.ended();
            if (e instanceof Error error) {
                throw error;
            }
            throw Replies.ofWrite(e, Outcome.NOT_APPLIED);
        }
        return write.committed();
    }

    /** Writes all rows in a transaction of their own. */
    Map<K, WriteReceipt> alone(List<Mutation<K, V>> mutations, Known<K> known, Deadline deadline) {
        List<K> keys = mutations.stream().map(Mutation::key).toList();
        List<K> upserted = Mutation.upserted(mutations);
        return run(keys, upserted, known, deadline, (write, connection) -> write.write(connection, mutations));
    }

    /** A repository's part in a transaction that the caller spans over several. */
    ThroughWrite<K, V> participant(Known<K> known, Deadline deadline) {
        return new ThroughWrite<>(context, shards, near, late, known, deadline);
    }

    /** Work on one participant and the connection of its transaction. */
    @FunctionalInterface
    interface Step<K, V> {
        void on(ThroughWrite<K, V> write, PrimaryConnection connection) throws Exception;
    }

    /**
     * Marks the keys, waits until no column that this version of the application does not know is pending on those upserted, runs the step
     * in a transaction of its own and tells the replicas the outcome. A row that a stranger has locked is tried again until the deadline,
     * so that no connection is held for the length of his transaction; markers that end meanwhile are put anew, with a new version.
     */
    Map<K, WriteReceipt> run(List<K> keys, List<K> upserted, Known<K> known, Deadline deadline, Step<K, V> step) {
        ThroughWrite<K, V> write = participant(known, deadline);
        Duration wait = LOCK_WAIT;
        try {
            write.prepare(keys);
            write.awaitForeign(upserted);
            while (!attempt(write, wait, deadline, step)) {
                wait = wait.compareTo(LONGEST_LOCK_WAIT) < 0 ? wait.multipliedBy(2) : wait;
                write.refresh();
                write.awaitForeign(upserted);
            }
        } catch (Throwable e) {
            Outcome outcome = write.failed(e);
            if (e instanceof Error error) {
                throw error;
            }
            throw Replies.ofWrite(e, outcome);
        }
        return write.committed();
    }

    /** Commits, or answers false if a row was locked and there is time to try again. */
    private boolean attempt(ThroughWrite<K, V> write, Duration wait, Deadline deadline, Step<K, V> step) {
        boolean isRepeated = wait.compareTo(LOCK_WAIT) > 0;
        try {
            return context.gate.call(Primary.Use.COMMIT, deadline, connection -> {
                context.primary.lockTimeout(connection, wait);
                step.on(write, connection);
                write.beforeCommit(connection, isRepeated);
                return true;
            });
        } catch (PrimaryFailure | Unavailable e) {
            Duration pause = Duration.ofNanos(ThreadLocalRandom.current().nextLong(LOCK_PAUSE.toNanos()));
            boolean mayPass = isLocked(e) || (e instanceof Unavailable && write.hasLostMarker());
            if (!mayPass || !deadline.rest(pause)) {
                throw e;
            }
            write.restart();
            return false;
        }
    }

    /** Whether a row was locked by a transaction that goes on. */
    static boolean isLocked(Throwable thrown) {
        return thrown instanceof PrimaryFailure e && "55P03".equals(e.sqlState()) && e.outcome() == Outcome.NOT_APPLIED;
    }
}
