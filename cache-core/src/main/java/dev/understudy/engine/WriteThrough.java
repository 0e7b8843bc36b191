package dev.understudy.engine;

import dev.understudy.model.Outcome;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import java.util.List;
import java.util.Map;

/**
 * Synchronous replication: prepare, commit, apply. Thread-safe.
 *
 * <p>The marker that is put before the SQL keeps every load that began earlier from filling the shared replica, and makes the entry suspect
 * if this process dies before it has told the outcome.
 */
final class WriteThrough<K, V> {
    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final LateApplies late;

    WriteThrough(CacheContext<K, V> context, Shards shards, NearTier<K, V> near, LateApplies late) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.late = late;
    }

    /** Writes all rows in one transaction: all or none. */
    Map<K, WriteReceipt> write(List<Mutation<K, V>> mutations, Known<K> known, Deadline deadline) {
        List<K> keys = mutations.stream().map(Mutation::key).toList();
        return run(keys, known, deadline, (write, connection) -> write.write(connection, mutations));
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

    /** Marks the keys, runs the step in a transaction of its own and tells the replicas the outcome. */
    Map<K, WriteReceipt> run(List<K> keys, Known<K> known, Deadline deadline, Step<K, V> step) {
        ThroughWrite<K, V> write = participant(known, deadline);
        try {
            write.prepare(keys);
            context.primary.call(Primary.Use.COMMIT, deadline.remaining(), connection -> {
                step.on(write, connection);
                write.beforeCommit(connection, false);
                return true;
            });
        } catch (PrimaryFailure e) {
            if (e.outcome() == Outcome.UNKNOWN) {
                write.unknown();
            } else {
                write.rolledBack();
            }
            throw Replies.primary(e);
        } catch (RuntimeException e) {
            write.rolledBack();
            throw e;
        }
        return write.committed();
    }
}
