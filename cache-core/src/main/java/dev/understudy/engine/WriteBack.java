package dev.understudy.engine;

import dev.understudy.engine.InFlight.Ticket;
import dev.understudy.model.Ack;
import dev.understudy.model.Conflict;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Position;
import dev.understudy.model.Rejected;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.QueueLimit;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.Condition;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplicaFailure;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import dev.understudy.spi.WriteBackReply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Asynchronous replication: the write returns when the shared replica has logged it. Thread-safe.
 *
 * <h2>Ordering</h2>
 * The shared replica allocates the version, replaces the entry, queues the key and announces the change in one atomic step; the drain
 * gives the primary the newest value of a key under the version guard.
 *
 * <h2>Failure</h2>
 * A command whose answer was lost is never sent again: the entry is asked for the write's identity. If it is not there, the outcome is
 * unknown, and the caller is told so.
 *
 * <h2>Bounds</h2>
 * The queue of each shard; at its bound the {@link Overflow} policy. Waiting ends at the caller's deadline.
 */
final class WriteBack<K, V> {
    private static final Duration PAUSE = Duration.ofMillis(5);
    /** What a try has left at least, if it follows one that found the queue full. */
    private static final Duration RESERVE = Duration.ofMillis(100);

    /** How often a primary that does not answer is asked for the base of a cold key, and how long that takes at most. */
    private static final Duration TRIAL_PAUSE = Duration.ofSeconds(2);

    private static final Duration TRIAL = Duration.ofMillis(250);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final SharedReads<K, V> reads;
    private final PrimaryReads<K, V> primary;
    private final WriteThrough<K, V> through;
    private final Undrained undrained;
    private final IntConsumer onForgotten;
    private final Runnable onPending;
    private final ReceiptWatch watch;
    private final QueueLimit limit;
    private final Breaker bases;

    WriteBack(
            CacheContext<K, V> context,
            Shards shards,
            NearTier<K, V> near,
            SharedReads<K, V> reads,
            PrimaryReads<K, V> primary,
            WriteThrough<K, V> through,
            Undrained undrained,
            ReceiptWatch watch,
            IntConsumer onForgotten,
            Runnable onPending) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.reads = reads;
        this.primary = primary;
        this.through = through;
        this.undrained = undrained;
        this.onForgotten = onForgotten;
        this.onPending = onPending;
        this.watch = watch;
        this.limit = QueueBounds.of(context);
        this.bases = new Breaker(context.clock, TRIAL_PAUSE);
    }

    /** One write on its way into the log. Confined to the calling thread. */
    private static final class Attempt<K, V> {
        final Mutation<K, V> mutation;
        final ShardKey address;
        byte[] payload;
        Version carriedOn = Version.ABSENT;
        final Ticket ticket;
        final Version known;
        final long writeId = CacheContext.newIdentity();
        Optional<Version> base = Optional.empty();
        /** Goes on without its base, should the key be cold. */
        boolean isBlind;

        WriteBackReply.@Nullable Accepted accepted;
        /** The bound that the last answer named. */
        Optional<QueueLimit.Reached> full = Optional.empty();

        Attempt(Mutation<K, V> mutation, ShardKey address, byte[] payload, Ticket ticket, Version known) {
            this.mutation = mutation;
            this.address = address;
            this.payload = payload;
            this.ticket = ticket;
            this.known = known;
        }

        Condition condition() {
            Optional<Condition> version = mutation.ifVersion().map(Condition::version);
            return switch (mutation.effectiveVerb()) {
                case SAVE -> Condition.NONE;
                case INSERT -> Condition.MISSING;
                case UPDATE -> version.orElse(Condition.EXISTS);
                case DELETE -> version.orElse(Condition.NONE);
            };
        }
    }

    /**
     * Logs the writes, each by itself, pipelined. If one fails the others stay logged, and the failure's outcome is unknown if any was.
     *
     * @param onWritten told of each that is logged or written through, also if another one fails
     */
    Map<K, WriteReceipt> write(
            List<Mutation<K, V>> mutations,
            Ack ack,
            Known<K> known,
            Deadline deadline,
            BiConsumer<Mutation<K, V>, WriteReceipt> onWritten) {
        List<Attempt<K, V>> attempts = new ArrayList<>();
        for (Mutation<K, V> mutation : mutations) {
            mutation.value().ifPresent(context.store::check);
            byte[] payload = mutation.value().map(context.envelope::seal).orElse(new byte[0]);
            ShardKey address = context.address(mutation.key());
            attempts.add(new Attempt<>(
                    mutation,
                    address,
                    payload,
                    near.enter(mutation.key(), shards.state(address.shard())),
                    known.of(mutation.key())));
        }
        Map<K, WriteReceipt> receipts = new LinkedHashMap<>();
        BiConsumer<Mutation<K, V>, WriteReceipt> written = (mutation, receipt) -> {
            receipts.put(mutation.key(), receipt);
            onWritten.accept(mutation, receipt);
        };
        try {
            long server = context.replica.serverId();
            List<Attempt<K, V>> overflowing;
            try {
                overflowing = log(attempts, deadline);
            } catch (UnderstudyException e) {
                installAccepted(attempts, Ack.ACCEPTED, written);
                throw e;
            }
            installAccepted(attempts, settle(attempts, ack, server, deadline), written);
            if (!overflowing.isEmpty()) {
                overflow(overflowing, known, deadline, written);
            }
            return receipts;
        } catch (UnderstudyException e) {
            throw receipts.isEmpty() || e.outcome() != Outcome.NOT_APPLIED ? e : partly(e);
        } finally {
            attempts.forEach(attempt -> near.leave(attempt.mutation.key(), attempt.ticket));
            onPending.run();
        }
    }

    /** Sends until each is accepted; answers those that found the queue full. */
    private List<Attempt<K, V>> log(List<Attempt<K, V>> attempts, Deadline deadline) {
        List<Attempt<K, V>> overflowing = new ArrayList<>();
        List<Attempt<K, V>> open = attempts;
        long reserve = Math.min(RESERVE.toNanos(), deadline.remainingNanos() / 4);
        while (!open.isEmpty()) {
            pause(Duration.ZERO, open, deadline, reserve);
            List<Attempt<K, V>> batch = open;
            List<Shards.Reply<WriteBackReply>> replies = shards.attemptAll(
                    batch.stream().map(attempt -> attempt.address.shard()).toList(),
                    i -> generation -> command(batch.get(i), generation),
                    deadline);
            List<Attempt<K, V>> again = new ArrayList<>();
            List<Attempt<K, V>> cold = new ArrayList<>();
            UnderstudyException failure = null;
            Duration pause = Duration.ZERO;
            for (int i = 0; i < batch.size(); i++) {
                Attempt<K, V> attempt = batch.get(i);
                attempt.full = Optional.empty();
                try {
                    WriteBackReply reply = reply(attempt, replies.get(i), deadline);
                    if (reply instanceof WriteBackReply.Accepted accepted) {
                        attempt.accepted = accepted;
                    } else if (reply instanceof WriteBackReply.Cold) {
                        cold.add(attempt);
                    } else if (reply instanceof WriteBackReply.Full full) {
                        attempt.full = Optional.of(full.limit());
                        (waitsForRoom() ? again : overflowing).add(attempt);
                        pause = PAUSE;
                    } else if (reply instanceof WriteBackReply.Foreign foreign) {
                        carryOn(attempt, foreign.pending(), deadline);
                        again.add(attempt);
                    } else if (reply instanceof WriteBackReply.Marked) {
                        again.add(attempt);
                        pause = PAUSE;
                    } else if (reply instanceof WriteBackReply.Refused refused) {
                        throw new Conflict("the condition does not hold", Tier.SHARED, refused.current());
                    }
                } catch (UnderstudyException e) {
                    failure = failure == null || e.outcome() == Outcome.UNKNOWN ? e : failure;
                }
            }
            if (failure != null) {
                throw failure;
            }
            warm(cold, deadline);
            again.addAll(cold);
            if (!pause.isZero()) {
                onPending.run();
                pause(pause, again, deadline, reserve);
            }
            open = again;
        }
        return overflowing;
    }

    private SharedCommand<WriteBackReply> command(Attempt<K, V> attempt, Generation generation) {
        return new SharedCommand.WriteBack(
                attempt.address,
                generation,
                attempt.mutation.value().isPresent() ? EntryKind.VALUE : EntryKind.DELETED,
                attempt.payload,
                attempt.writeId,
                attempt.condition(),
                base(attempt),
                limit,
                attempt.known,
                context.envelope.head().map(head -> new SharedCommand.Carried(head, attempt.carriedOn)));
    }

    /** Where the primary is away the shared replica need not ask for the base of a cold key first: it is not to be had. */
    private Optional<Version> base(Attempt<K, V> attempt) {
        attempt.isBlind |= attempt.base.isEmpty() && attempt.condition().equals(Condition.NONE) && bases.rests();
        return attempt.isBlind ? Optional.of(Version.UNKNOWN) : attempt.base;
    }

    /**
     * The pending value was written by a version of the application with other columns: those that this one does not know are taken over
     * into the payload, which may then replace exactly that pending value. Rule 23.
     */
    private void carryOn(Attempt<K, V> attempt, Version pending, Deadline deadline) {
        SharedEntry entry;
        try {
            entry = reads.entries(List.of(attempt.mutation.key()), deadline).get(0);
        } catch (SharedReplicaFailure | GenerationChanged e) {
            throw Replies.shared(e, Outcome.NOT_APPLIED);
        }
        if (entry == null || !entry.pending() || !entry.version().equals(pending)) {
            return;
        }
        byte[] own = context.envelope.seal(attempt.mutation.value().orElseThrow());
        attempt.payload = context.envelope
                .carryOn(entry, own)
                .orElseThrow(() -> new Unavailable(
                        "a pending write does not decode in this version of the application",
                        null,
                        Tier.SHARED,
                        Outcome.NOT_APPLIED));
        attempt.carriedOn = pending;
    }

    private boolean waitsForRoom() {
        return context.settings.back().overflow() == Overflow.BLOCK;
    }

    /** Waits; what found the queue full is not tried again with so little time left that the answer may come too late. */
    private void pause(Duration pause, List<Attempt<K, V>> waiting, Deadline deadline, long reserve) {
        try {
            deadline.pause(pause, Tier.SHARED, Outcome.NOT_APPLIED);
        } catch (DeadlineExceeded e) {
            if (!Thread.currentThread().isInterrupted()) {
                requireRoom(waiting);
            }
            throw e;
        }
        if (deadline.remainingNanos() < reserve) {
            requireRoom(waiting);
        }
    }

    private void requireRoom(List<Attempt<K, V>> waiting) {
        for (Attempt<K, V> attempt : waiting) {
            attempt.full.ifPresent(reached -> {
                throw new Rejected("the queue stayed full until the deadline", Tier.SHARED, QueueBounds.name(reached));
            });
        }
    }

    private static UnderstudyException partly(UnderstudyException failure) {
        return new Unavailable("some of the writes were logged, one was not", failure, failure.tier(), Outcome.UNKNOWN);
    }

    private WriteBackReply reply(Attempt<K, V> attempt, Shards.Reply<WriteBackReply> reply, Deadline deadline) {
        RuntimeException failure = reply.failure();
        if (failure == null) {
            return reply.result();
        }
        if (failure instanceof SharedReplicaFailure shared) {
            if (shared.reason() == Reason.OUT_OF_MEMORY) {
                return new WriteBackReply.Full(QueueLimit.Reached.MEMORY);
            }
            if (shared.reason() == Reason.NO_ANSWER) {
                return resolve(attempt, shared, deadline);
            }
        }
        throw Replies.shared(failure, Outcome.NOT_APPLIED);
    }

    /** The answer was lost: asks the entry whether the write is there. */
    private WriteBackReply resolve(Attempt<K, V> attempt, SharedReplicaFailure failure, Deadline deadline) {
        while (!deadline.isPast()) {
            try {
                SharedEntry entry =
                        reads.entries(List.of(attempt.mutation.key()), deadline).get(0);
                if (entry != null && entry.writeId() == attempt.writeId) {
                    // Read after the entry, so that it covers the write.
                    Position position = Replies.await(context.shared.positions(), deadline)
                            .get(attempt.address.shard())
                            .position();
                    return new WriteBackReply.Accepted(entry.version(), position, true);
                }
                break;
            } catch (RuntimeException e) {
                // Still away; asked again until the deadline.
                deadline.pause(PAUSE, Tier.SHARED, Outcome.UNKNOWN);
            }
        }
        throw new Unavailable("it is not known whether the write was logged", failure, Tier.SHARED, Outcome.UNKNOWN);
    }

    /** Loads the versions of rows that the shared replica knows nothing of, so that the write is ordered after them. */
    private void warm(List<Attempt<K, V>> cold, Deadline deadline) {
        if (cold.isEmpty()) {
            return;
        }
        boolean isJudged =
                cold.stream().anyMatch(attempt -> !attempt.condition().equals(Condition.NONE));
        if (!isJudged && !bases.allows()) {
            goBlind(cold);
            return;
        }
        Map<K, Row<V>> rows;
        try {
            rows = primary.load(
                    cold.stream().map(attempt -> attempt.mutation.key()).toList(),
                    isJudged ? deadline : forTheBase(deadline));
            bases.succeeded();
        } catch (Invalid e) {
            throw e;
        } catch (UnderstudyException e) {
            bases.failed();
            if (isJudged) {
                throw e;
            }
            goBlind(cold);
            return;
        }
        for (Attempt<K, V> attempt : cold) {
            Row<V> row = rows.get(attempt.mutation.key());
            attempt.base = Optional.of(row == null ? Version.ABSENT : row.version());
        }
    }

    /** The primary is away. Without a condition the writes go on with their base unknown; the clock orders them. */
    private void goBlind(List<Attempt<K, V>> cold) {
        cold.forEach(attempt -> attempt.isBlind = true);
    }

    /** Time is left for the write itself, whether or not the primary answers. */
    private Deadline forTheBase(Deadline deadline) {
        Duration half = deadline.remaining().dividedBy(2);
        return Deadline.after(context.clock, bases.isOpen() && half.compareTo(TRIAL) > 0 ? TRIAL : half);
    }

    private Ack settle(List<Attempt<K, V>> attempts, Ack ack, long server, Deadline deadline) {
        boolean anyAccepted = attempts.stream().anyMatch(attempt -> attempt.accepted != null);
        if (ack.equals(Ack.ACCEPTED) || !anyAccepted) {
            return ack;
        }
        boolean reached;
        try {
            reached = Replies.await(context.replica.settle(ack, deadline.remaining(), server), deadline);
        } catch (SharedReplicaFailure e) {
            reached = false;
        }
        if (reached && attempts.stream().allMatch(this::isOfPresentData)) {
            return ack;
        }
        context.counters.ackTimeouts.increment();
        if (context.settings.back().degradesOnAckTimeout()) {
            return Ack.ACCEPTED;
        }
        throw new DeadlineExceeded("the ack level was not reached in time", null, Tier.SHARED, Outcome.UNKNOWN);
    }

    /** Whether the shard still has the data that the write was logged in: what was settled is then what was acknowledged. */
    private boolean isOfPresentData(Attempt<K, V> attempt) {
        return attempt.accepted == null
                || attempt.accepted
                        .position()
                        .generation()
                        .equals(shards.state(attempt.address.shard()).generation());
    }

    private void installAccepted(
            List<Attempt<K, V>> attempts, Ack reached, BiConsumer<Mutation<K, V>, WriteReceipt> written) {
        for (Attempt<K, V> attempt : attempts) {
            if (attempt.accepted != null) {
                written.accept(attempt.mutation, install(attempt, attempt.accepted, reached));
            }
        }
    }

    private WriteReceipt install(Attempt<K, V> attempt, WriteBackReply.Accepted accepted, Ack reached) {
        context.counters.backWrites.increment();
        if (attempt.isBlind) {
            context.counters.blindWrites.increment();
        }
        undrained.add(new Undrained.Write(
                attempt.address,
                attempt.mutation.value().isPresent() ? EntryKind.VALUE : EntryKind.DELETED,
                accepted.version(),
                attempt.writeId,
                attempt.payload,
                context.clock.nanoTime()));
        int shard = attempt.address.shard();
        if (!accepted.position().generation().equals(shards.state(shard).generation())) {
            // The memory was lost after this write was logged, and what was undrained may have been restored without
            // it.
            onForgotten.accept(shard);
        }
        K key = attempt.mutation.key();
        near.evictBelow(key, accepted.version());
        if (attempt.mutation.value().isPresent()) {
            near.install(key, attempt.ticket, attempt.mutation.value(), accepted.version());
        } else {
            near.evict(key);
        }
        boolean deletes = attempt.mutation.value().isEmpty();
        return new BackReceipt<>(
                context,
                reads,
                undrained,
                watch,
                key,
                attempt.writeId,
                deletes,
                accepted.version(),
                accepted.position(),
                reached);
    }

    private void overflow(
            List<Attempt<K, V>> attempts,
            Known<K> known,
            Deadline deadline,
            BiConsumer<Mutation<K, V>, WriteReceipt> written) {
        String limitName = QueueBounds.name(attempts.get(0).full.orElseThrow());
        if (context.settings.back().overflow() == Overflow.REJECT) {
            throw new Rejected("the queue is full", Tier.SHARED, limitName);
        }
        // Rule 22.
        if (!context.health.answers(deadline)) {
            throw new Rejected("the queue is full and the primary does not answer", Tier.SHARED, limitName);
        }
        context.counters.overflows.add(attempts.size());
        List<Mutation<K, V>> rest =
                attempts.stream().map(attempt -> attempt.mutation).toList();
        Map<K, WriteReceipt> receipts = through.write(rest, known, deadline);
        rest.forEach(mutation -> Optional.ofNullable(receipts.get(mutation.key()))
                .ifPresent(receipt -> written.accept(mutation, receipt)));
    }
}
