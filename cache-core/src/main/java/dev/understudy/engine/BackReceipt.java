package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Outcome;
import dev.understudy.model.Position;
import dev.understudy.model.Replication;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicReference;

/**
 * What a write-back got, and the way to wait for its replication. Thread-safe.
 *
 * <p>States: PENDING -> COMMITTED | SUPERSEDED | DEAD, final, by one compare-and-set.
 */
final class BackReceipt<K, V> implements WriteReceipt {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(5);
    private static final Duration LAST_PAUSE = Duration.ofMillis(100);

    private final CacheContext<K, V> context;
    private final SharedReads<K, V> reads;
    private final PrimaryReads<K, V> primary;
    private final ReceiptWatch watch;
    private final K key;
    private final boolean deletes;
    private final Version version;
    private final Position position;
    private final Ack ack;
    private final AtomicReference<Replication> state = new AtomicReference<>(Replication.PENDING);

    BackReceipt(
            CacheContext<K, V> context,
            SharedReads<K, V> reads,
            PrimaryReads<K, V> primary,
            ReceiptWatch watch,
            K key,
            boolean deletes,
            Version version,
            Position position,
            Ack ack) {
        this.context = context;
        this.reads = reads;
        this.primary = primary;
        this.watch = watch;
        this.key = key;
        this.deletes = deletes;
        this.version = version;
        this.position = position;
        this.ack = ack;
    }

    @Override
    public WriteMode mode() {
        return WriteMode.BACK;
    }

    @Override
    public Version version() {
        return version;
    }

    @Override
    public Position position() {
        return position;
    }

    @Override
    public Ack ack() {
        return ack;
    }

    @Override
    public CompletionStage<Replication> committed(Duration timeout) {
        return watch.watch(
                limit -> {
                    if (state.get() == Replication.PENDING) {
                        state.compareAndSet(Replication.PENDING, look(Deadline.after(context.clock, limit)));
                    }
                    return state.get();
                },
                Deadline.after(context.clock, timeout));
    }

    @Override
    public Replication awaitCommitted(Duration timeout) {
        Deadline deadline = Deadline.after(context.clock, timeout);
        Duration pause = FIRST_PAUSE;
        while (state.get() == Replication.PENDING) {
            Replication seen = look(deadline);
            if (seen != Replication.PENDING) {
                state.compareAndSet(Replication.PENDING, seen);
            } else if (deadline.remainingNanos() <= pause.toNanos()) {
                return state.get();
            } else {
                deadline.pause(pause, Tier.SHARED, Outcome.APPLIED);
                pause = pause.multipliedBy(2).compareTo(LAST_PAUSE) > 0 ? LAST_PAUSE : pause.multipliedBy(2);
            }
        }
        return state.get();
    }

    private Replication look(Deadline deadline) {
        SharedEntry entry;
        try {
            entry = reads.entries(List.of(key), deadline).get(0);
        } catch (SharedReplicaFailure | GenerationChanged e) {
            throw Replies.shared(e, Outcome.APPLIED);
        }
        if (entry != null && entry.pending()) {
            return entry.version().isAfter(version) ? Replication.SUPERSEDED : Replication.PENDING;
        }
        if (entry != null && entry.version().equals(version) && entry.kind().isKnown()) {
            return Replication.COMMITTED;
        }
        if (isDead(deadline)) {
            return Replication.DEAD;
        }
        Row<V> row = primary.load(List.of(key), deadline).get(key);
        boolean isThere = deletes ? row == null : row != null && row.version().equals(version);
        return isThere ? Replication.COMMITTED : Replication.SUPERSEDED;
    }

    private boolean isDead(Deadline deadline) {
        try {
            return context.primary.call(
                    Primary.Use.LOAD,
                    deadline.remaining(),
                    connection -> context.primary
                            .ledger()
                            .isDead(
                                    connection,
                                    context.store.name(),
                                    context.address(key).text(),
                                    version));
        } catch (PrimaryFailure e) {
            throw Replies.primary(e);
        }
    }
}
