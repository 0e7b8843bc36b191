package dev.understudy.engine;

import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.InvalidateReply;
import dev.understudy.spi.Outbox;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers to the shared replica what it missed: the notes of writers that could not reach it, and those of the trigger on the table.
 * Thread-safe.
 *
 * <p>Each instance looks once a second; whoever finds notes takes them in a transaction, delivers them, and commits, so that a note is gone
 * exactly if it was delivered. Others pass over what is being delivered.
 *
 * <h2>The gate</h2>
 * An instance that has been without the shared replica owes a delivery before it believes what that replica holds: then it waits also for
 * notes that others are delivering. If the primary cannot be asked, the replica is believed, and the next look delivers.
 */
final class OutboxDelivery<K, V> {
    private static final Logger LOG = LoggerFactory.getLogger(OutboxDelivery.class);
    private static final int BATCH = 500;
    private static final Duration LOOK = Duration.ofSeconds(1);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final ReentrantLock settling = new ReentrantLock();
    private final AtomicLong owed = new AtomicLong(1);
    private volatile long settled;
    private volatile boolean isAllOwed;
    private volatile String whyNot = "the outbox is not looked for yet";

    OutboxDelivery(CacheContext<K, V> context, Shards shards, NearTier<K, V> near) {
        this.context = context;
        this.shards = shards;
        this.near = near;
    }

    /** Looks for the table. */
    void open(PrimaryConnection connection) throws Exception {
        whyNot = context.primary.outbox().whyNot(connection).orElse("");
    }

    boolean isOpen() {
        return whyNot.isEmpty();
    }

    /** Refuses what cannot be noted. */
    void require() {
        if (!isOpen()) {
            throw new Invalid("a write that goes on without the shared replica needs an outbox: " + whyNot);
        }
    }

    /** The shared replica was away for a while, for this instance. */
    void owe() {
        owed.incrementAndGet();
    }

    /** Whether the shared replica must not be believed yet. */
    boolean isOwed() {
        return settled < owed.get() && isOpen();
    }

    /**
     * Delivers what was missed, if something is owed; callers wait for one another.
     *
     * @throws SharedReplicaFailure if the shared replica is still away
     * @throws GenerationChanged the same
     */
    void settle(Deadline deadline) {
        if (!isOwed()) {
            return;
        }
        try {
            if (!context.clock.tryLock(settling, Math.max(0, deadline.remainingNanos()))) {
                throw new SharedReplicaFailure(
                        SharedReplicaFailure.Reason.NOT_SENT, "what it missed is still being delivered", null);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new SharedReplicaFailure(SharedReplicaFailure.Reason.NOT_SENT, "interrupted", e);
        }
        try {
            long until = owed.get();
            if (settled < until && isOpen()) {
                deliverAll(true, deadline);
                settled = Math.max(settled, until);
            }
        } catch (PrimaryFailure e) {
            // With both away for a while, the replica is better than nothing: what it missed follows with the next
            // look.
            LOG.warn("notes for {} are delivered later: {}", context.store.name(), e.getMessage());
            settled = Math.max(settled, owed.get());
        } finally {
            settling.unlock();
        }
    }

    /**
     * Any row may have changed, and that is committed: makes the replicas forget all that is not pending. What cannot be reached now is told
     * later, by the note if there is an outbox, else by this instance as long as it lives.
     *
     * @throws SharedReplicaFailure if the shared replica could not be told
     * @throws GenerationChanged the same
     */
    void distrustAll(Deadline deadline) {
        isAllOwed = !isOpen();
        shards.distrustAll(deadline);
        isAllOwed = false;
    }

    private void distrustOwed() {
        if (!isAllOwed) {
            return;
        }
        try {
            distrustAll(Deadline.after(context.clock, LOOK));
        } catch (SharedReplicaFailure | GenerationChanged e) {
            // Still away; the next look tells it.
            LOG.debug("{} is told later that any row may have changed: {}", context.store.name(), e.getMessage());
        }
    }

    /** Delivers what is there; to be called every second. */
    void look() {
        distrustOwed();
        if (!isOpen() || !context.breaker.allows()) {
            return;
        }
        Deadline deadline = Deadline.after(context.clock, LOOK);
        try {
            settle(deadline);
            boolean hasAny = context.primary.call(
                    Primary.Use.LOAD,
                    deadline.remaining(),
                    connection -> context.primary.outbox().hasAny(connection, context.store.name()));
            if (hasAny) {
                deliverAll(false, deadline);
            }
        } catch (SharedReplicaFailure | GenerationChanged e) {
            // The notes stay for the next look, here or elsewhere.
            context.breaker.failed();
        } catch (PrimaryFailure e) {
            LOG.debug("notes for {} are delivered later: {}", context.store.name(), e.getMessage());
        }
    }

    private void deliverAll(boolean waits, Deadline deadline) {
        // Asked first, so that no transaction at the primary is held open for a replica that does not answer.
        Replies.await(context.shared.positions(), deadline);
        boolean isMore = true;
        while (isMore) {
            isMore = context.primary.call(Primary.Use.COMMIT, deadline.remaining(), connection -> {
                List<Outbox.Missed> notes =
                        context.primary.outbox().take(connection, context.store.name(), BATCH, waits);
                deliver(connection, notes, deadline);
                return notes.size() == BATCH;
            });
        }
    }

    private void deliver(PrimaryConnection connection, List<Outbox.Missed> notes, Deadline deadline) throws Exception {
        Map<K, Outbox.Missed> missed = new LinkedHashMap<>();
        if (notes.stream().anyMatch(Outbox.Missed::isAll)) {
            shards.distrustAll(deadline);
        }
        for (Outbox.Missed note : notes) {
            Optional<K> key = note.isAll() ? Optional.empty() : parsed(note);
            if (key.isPresent()) {
                missed.merge(key.get(), note, OutboxDelivery::newer);
            }
        }
        List<K> keys = List.copyOf(missed.keySet());
        List<ShardKey> addresses = keys.stream().map(context::address).toList();
        List<InvalidateReply> replies = shards.callAll(
                shardsOf(addresses),
                i -> generation ->
                        new SharedCommand.Invalidate(addresses.get(i), generation, versionOf(missed.get(keys.get(i)))),
                deadline);
        List<K> pending = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            near.evict(keys.get(i));
            if (replies.get(i) == InvalidateReply.PENDING) {
                pending.add(keys.get(i));
            }
        }
        supersede(connection, pending, deadline);
        context.counters.deliveredNotes.add(notes.size());
    }

    private static Outbox.Missed newer(Outbox.Missed a, Outbox.Missed b) {
        boolean isNewer = a.version().isAfter(b.version()) && !b.version().isAbsent();
        return a.version().isAbsent() || isNewer ? a : b;
    }

    private Version versionOf(Outbox.@Nullable Missed note) {
        return note == null || !context.isVersioned() ? Version.ABSENT : note.version();
    }

    private Optional<K> parsed(Outbox.Missed note) {
        try {
            K key = context.keys.parse(note.key());
            context.address(key);
            return Optional.of(key);
        } catch (UnderstudyException e) {
            LOG.warn("a note for {} names no key of it and is dropped", context.store.name());
            return Optional.empty();
        }
    }

    /** A pending write-back that is older than the row gives way to it, as to a write-through; a newer one stays. */
    private void supersede(PrimaryConnection connection, List<K> pending, Deadline deadline) throws Exception {
        if (pending.isEmpty()) {
            return;
        }
        Map<K, Row<V>> rows = context.store.load(connection, pending);
        // Of a key without a row the drain decides, by the tombstone.
        List<K> present = pending.stream().filter(rows::containsKey).toList();
        List<ShardKey> addresses = present.stream().map(context::address).toList();
        shards.callAll(
                shardsOf(addresses),
                i -> {
                    Row<V> row = CacheContext.present(rows.get(present.get(i)), "the row");
                    byte[] payload = context.envelope.seal(row.value());
                    return generation -> new SharedCommand.Apply(
                            addresses.get(i),
                            generation,
                            SharedCommand.AppliedChange.UPSERTED,
                            row.version(),
                            payload,
                            context.timeToLive(false),
                            Optional.empty(),
                            CacheContext.newIdentity(),
                            false);
                },
                deadline);
    }

    private static List<Integer> shardsOf(List<ShardKey> addresses) {
        return addresses.stream().map(ShardKey::shard).toList();
    }

    /** Whether that is the failure of a write that could not reach the shared replica, and has changed nothing. */
    static boolean isAway(UnderstudyException e) {
        boolean isUnreachable =
                e.getCause() instanceof SharedReplicaFailure || e.getCause() instanceof GenerationChanged;
        return e instanceof Unavailable && isUnreachable && e.outcome() == Outcome.NOT_APPLIED;
    }
}
