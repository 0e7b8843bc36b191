package dev.understudy.engine;

import dev.understudy.model.Conflict;
import dev.understudy.model.OnPartition;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Applied;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** One repository inside a transaction that the caller spans over several. Confined to the transaction's thread. */
public final class Participant<K, V> {
    /** What the replicas are given to forget everything, once the transaction has committed. */
    private static final Duration TELLING = Duration.ofSeconds(2);

    private final CacheContext<K, V> context;
    private final OutboxDelivery<K, V> outbox;
    private final WriteThrough<K, V> through;
    private final ThroughWrite<K, V> write;
    private final PrimaryReads<K, V> reads;
    private final Set<SessionState> sessions = Collections.newSetFromMap(new IdentityHashMap<>());
    private @Nullable DetachedWrite<K, V> detached;
    private boolean isAllChanged;

    Participant(
            CacheContext<K, V> context,
            WriteThrough<K, V> through,
            PrimaryReads<K, V> reads,
            OutboxDelivery<K, V> outbox,
            Deadline deadline) {
        this.context = context;
        this.outbox = outbox;
        this.through = through;
        this.write = through.participant(key -> Version.ABSENT, deadline);
        this.reads = reads;
    }

    /** Puts the keys' markers; false if this part goes on without the shared replica. */
    private boolean attach(Collection<K> keys) {
        if (detached != null) {
            return false;
        }
        try {
            write.prepare(keys);
            return true;
        } catch (Unavailable e) {
            boolean goesOn = context.settings.onPartition() == OnPartition.AVAILABLE && OutboxDelivery.isAway(e);
            if (!goesOn) {
                throw e;
            }
            write.forgetUnprepared();
            detached = through.detachedPart(key -> Version.ABSENT);
            return false;
        }
    }

    private DetachedWrite<K, V> part() {
        if (detached == null) {
            throw new IllegalStateException("this part has its markers");
        }
        return detached;
    }

    /** The rows as the transaction sees them; keys without a row are left out. */
    public Map<K, V> find(PrimaryConnection connection, Collection<K> keys) throws Exception {
        Map<K, V> values = new LinkedHashMap<>();
        reads.loadOn(connection, keys).forEach((key, row) -> values.put(key, row.value()));
        return values;
    }

    /** Writes rows; answers them as stored, deletes left out. */
    public Map<K, V> write(PrimaryConnection connection, List<Mutation<K, V>> mutations) throws Exception {
        for (Mutation<K, V> mutation : mutations) {
            mutation.value().ifPresent(context.envelope::seal);
        }
        Map<K, V> stored = new LinkedHashMap<>();
        Map<K, Applied<V>> answers =
                attach(mutations.stream().map(Mutation::key).toList())
                        ? write.write(connection, mutations)
                        : part().write(connection, mutations);
        answers.forEach((key, applied) -> {
            if (applied instanceof Applied.Stored<V> one) {
                stored.put(key, one.row().value());
            }
        });
        return stored;
    }

    /** Replaces the row's value under its lock; answers it as stored. */
    public V update(PrimaryConnection connection, K key, UnaryOperator<V> change) throws Exception {
        attach(List.of(key));
        Row<V> row = context.store.lock(connection, List.of(key)).get(key);
        if (row == null) {
            throw new Conflict("the row does not exist", Tier.PRIMARY, Version.ABSENT);
        }
        V next = CacheContext.present(change.apply(row.value()), "the updated value");
        Map<K, V> stored = write(
                connection, List.of(new Mutation<>(key, Optional.of(next), Mutation.Verb.UPDATE, Optional.empty())));
        return CacheContext.present(stored.get(key), "the stored value");
    }

    /** Takes note of rows that the caller's own SQL changed. */
    public void changed(PrimaryConnection connection, Collection<K> keys) throws Exception {
        if (attach(keys)) {
            write.changed(connection, keys);
        } else {
            part().changed(connection, keys);
        }
    }

    /** Takes note that the caller's own SQL may have changed any row. */
    public void changedAll(PrimaryConnection connection) throws Exception {
        if (outbox.isOpen()) {
            context.primary.outbox().recordAll(connection, context.store.name());
        }
        isAllChanged = true;
    }

    /**
     * Last in the transaction.
     *
     * @param mayHaveSavepoints whether what was written here may have been rolled back to a savepoint since
     */
    public void beforeCommit(PrimaryConnection connection, boolean mayHaveSavepoints) throws Exception {
        if (mayHaveSavepoints) {
            write.lookAgain(connection);
        }
        write.beforeCommit(connection, true);
        if (detached != null) {
            detached.beforeCommit(connection);
        }
    }

    /**
     * The transaction has committed: the replicas are told, and the sessions know what was written.
     *
     * @throws Unavailable with outcome {@code APPLIED} if the shared replica could not be told in time; it is told later
     */
    public void committed() {
        Map<K, WriteReceipt> receipts = new LinkedHashMap<>();
        if (detached != null) {
            receipts.putAll(detached.committed());
        }
        receipts.putAll(write.committed());
        for (SessionState session : sessions) {
            receipts.forEach((key, receipt) -> {
                boolean isDelete = receipt instanceof ThroughReceipt one && one.isDelete();
                context.remember(session, key, !isDelete, receipt);
            });
        }
        if (isAllChanged) {
            distrustAll();
        }
        ThroughReceipt.requireTold(receipts.values());
    }

    private void distrustAll() {
        try {
            outbox.distrustAll(Deadline.after(context.clock, TELLING));
        } catch (SharedReplicaFailure | GenerationChanged e) {
            throw Replies.shared(e, Outcome.APPLIED);
        }
    }

    /** A session that is to know what is written here, by whichever view of the repository. */
    public void remember(SessionState session) {
        sessions.add(session);
    }

    /** The transaction has certainly been rolled back. */
    public void rolledBack() {
        write.rolledBack();
    }

    /** It is not known what became of the transaction. */
    public void unknown() {
        write.unknown();
        if (detached != null) {
            detached.ended();
        }
    }
}
