package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Outcome;
import dev.understudy.model.Position;
import dev.understudy.model.Replication;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.DrainLedger;
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
import org.jspecify.annotations.Nullable;

/**
 * What a write-back got, and the way to wait for its replication. Thread-safe.
 *
 * <p>States: PENDING -> COMMITTED | SUPERSEDED | DEAD | LOST, final, by one compare-and-set. That the queue does not have the write says
 * nothing by itself: the shared replica may have lost its memory, and the write may be put back. Only what the primary holds, or this
 * instance's own report of a loss, makes a state final.
 */
final class BackReceipt<K, V> implements WriteReceipt {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(5);
    private static final Duration LAST_PAUSE = Duration.ofMillis(100);

    private final CacheContext<K, V> context;
    private final SharedReads<K, V> reads;
    private final Undrained undrained;
    private final ReceiptWatch watch;
    private final K key;
    private final long writeId;
    private final boolean deletes;
    private final Version version;
    private final Position position;
    private final Ack ack;
    private final AtomicReference<Replication> state = new AtomicReference<>(Replication.PENDING);

    BackReceipt(
            CacheContext<K, V> context,
            SharedReads<K, V> reads,
            Undrained undrained,
            ReceiptWatch watch,
            K key,
            long writeId,
            boolean deletes,
            Version version,
            Position position,
            Ack ack) {
        this.context = context;
        this.reads = reads;
        this.undrained = undrained;
        this.watch = watch;
        this.key = key;
        this.writeId = writeId;
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
        AtPrimary<V> there = atPrimary(deadline);
        if (there.isDead()) {
            return Replication.DEAD;
        }
        boolean isCovered = !there.newest().isAbsent() && there.newest().compareTo(version) >= 0;
        if (deletes ? there.row() == null && (isCovered || isOfPresentData(deadline)) : isAt(there.row())) {
            return Replication.COMMITTED;
        }
        if (isCovered) {
            return Replication.SUPERSEDED;
        }
        return undrained.isLost(writeId) ? Replication.LOST : Replication.PENDING;
    }

    private boolean isAt(@Nullable Row<V> row) {
        return row != null && row.version().equals(version);
    }

    /**
     * What the primary knows of the key.
     *
     * @param newest the version of the row or of the tombstone, whichever is higher
     */
    private record AtPrimary<V>(boolean isDead, @Nullable Row<V> row, Version newest) {}

    private AtPrimary<V> atPrimary(Deadline deadline) {
        String cache = context.store.name();
        String text = context.address(key).text();
        try {
            return context.primary.call(Primary.Use.LOAD, deadline.remaining(), connection -> {
                DrainLedger ledger = context.primary.ledger();
                Row<V> row = context.store.load(connection, List.of(key)).get(key);
                Version held = row == null ? Version.ABSENT : row.version();
                Version tombstone =
                        ledger.tombstones(connection, cache, List.of(text)).getOrDefault(text, Version.ABSENT);
                return new AtPrimary<>(
                        ledger.isDead(connection, cache, text, version),
                        row,
                        held.isAfter(tombstone) ? held : tombstone);
            });
        } catch (PrimaryFailure e) {
            throw Replies.primary(e);
        }
    }

    /** Whether the shard still has the data that the write was logged in: then what its queue does not have was not lost. */
    private boolean isOfPresentData(Deadline deadline) {
        try {
            return Replies.await(context.shared.positions(), deadline)
                    .get(context.address(key).shard())
                    .position()
                    .generation()
                    .equals(position.generation());
        } catch (SharedReplicaFailure e) {
            throw Replies.shared(e, Outcome.APPLIED);
        }
    }
}
