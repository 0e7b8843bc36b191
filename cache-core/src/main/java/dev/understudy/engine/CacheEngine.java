package dev.understudy.engine;

import dev.understudy.model.DeadLetter;
import dev.understudy.model.Invalid;
import dev.understudy.model.NearStatus;
import dev.understudy.model.OnPartition;
import dev.understudy.model.Outcome;
import dev.understudy.model.PartlyWritten;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Clock;
import dev.understudy.spi.Codec;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.NearReplicaFactory;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * One repository's engine: puts read path, write paths, drain and coherence together and chooses among them for each call. Thread-safe.
 */
public final class CacheEngine<K, V> {
    private final CacheContext<K, V> context;
    private final AckLevels ackLevels;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final Coherence<K, V> coherence;
    private final PrimaryReads<K, V> primaryReads;
    private final Renewals<K, V> renewals;
    private final Reads<K, V> reads;
    private final WriteThrough<K, V> through;
    private final WriteBack<K, V> back;
    private final Updates<K, V> updates;
    private final Recovery<K, V> recovery;
    private final OutboxDelivery<K, V> outbox;
    private final DeadLetterBox<K, V> deadLetters;
    private final @Nullable Drain<K, V> drain;
    private final ReceiptWatch receipts;
    private final DrainGroup.Member member;
    private SharedCache.@Nullable Subscription subscription;

    /** What all repositories of one instance share. */
    public record Instance(
            String namespace,
            String owner,
            SharedReplica replica,
            Primary primary,
            NearReplicaFactory nearReplicas,
            Codec codec,
            Clock clock,
            LateWrites late) {}

    /** The outcomes of write-throughs that the shared replica has not heard yet. Thread-safe. */
    public static final class LateWrites {
        final LateApplies applies = new LateApplies();

        /** Tells what can be told now, for at most so long. */
        public void retry(Clock clock, Duration timeout) {
            applies.retry(clock, timeout);
        }

        /** How many wait. */
        public int size() {
            return applies.size();
        }
    }

    /** An engine that is not started yet. */
    public CacheEngine(Instance instance, PrimaryStore<K, V> store, RepositorySettings settings, Executor background) {
        SharedCache shared = instance.replica().cache(instance.namespace(), store.name(), settings.shards());
        this.context = new CacheContext<>(
                settings, store, instance.primary(), instance.replica(), shared, instance.codec(), instance.clock());
        this.ackLevels = new AckLevels(instance.replica());
        Undrained undrained = new Undrained(settings.back().restorableBytes());
        this.shards = new Shards(shared, instance.clock(), this::reopening, this::reopened, this::closed);
        this.recovery = new Recovery<>(context, shards, undrained);
        this.near = new NearTier<>(context, instance.nearReplicas(), this::renew);
        this.primaryReads = new PrimaryReads<>(context);
        this.outbox = new OutboxDelivery<>(context, shards, near);
        SharedReads<K, V> sharedReads = new SharedReads<>(context, shards, primaryReads, outbox);
        this.renewals = new Renewals<>(context, near, new ReadPath<>(context, shards, near, sharedReads), background);
        SessionReads<K, V> sessionReads = new SessionReads<>(context, shards, near, sharedReads);
        this.reads = new Reads<>(context, near, sharedReads, sessionReads, renewals);
        this.through = new WriteThrough<>(context, shards, near, instance.late().applies, outbox);
        this.updates = new Updates<>(context, sharedReads, through);
        this.deadLetters = new DeadLetterBox<>(context, sharedReads, through);
        boolean drains = settings.writeBack() && settings.back().drains();
        this.receipts = new ReceiptWatch("understudy-receipts-" + instance.namespace() + "-" + store.name());
        String threadName = "understudy-drain-" + instance.namespace() + "-" + store.name();
        this.drain = drains ? new Drain<>(context, shards, undrained, instance.owner(), threadName) : null;
        this.member = new DrainGroup.Member(store.name(), settings.writeBack(), instance.primary(), drain);
        this.back = new WriteBack<>(
                context,
                shards,
                near,
                sharedReads,
                primaryReads,
                through,
                undrained,
                receipts,
                recovery::reopened,
                this::hintDrain);
        this.coherence = new Coherence<>(context, shards, near, this::hintDrain);
    }

    /** Verifies the table, opens the shards, begins to listen and to drain. */
    public void start() {
        startStepped();
        if (drain != null) {
            drain.start();
        }
    }

    /** All of {@link #start} but the thread that drains: for a simulation that steps the drain. */
    void startStepped() {
        Deadline deadline = Deadline.after(context.clock, Duration.ofSeconds(10));
        try {
            context.primary.call(Primary.Use.COMMIT, deadline.remaining(), connection -> {
                context.store.verify(connection);
                outbox.open(connection);
                if (context.settings.writeBack()) {
                    context.primary.ledger().open(connection, context.store.name(), context.settings.shards());
                }
                return true;
            });
            if (context.settings.writeBack()) {
                ackLevels.require(context.settings.back().ack());
            } else {
                ackLevels.warn(context.store.name());
            }
            if (context.settings.onPartition() == OnPartition.AVAILABLE) {
                outbox.require();
            }
            shards.openAll(deadline);
            outbox.settle(deadline);
            coherence.requireHonourable(deadline);
        } catch (PrimaryFailure e) {
            throw Replies.primary(e);
        } catch (SharedReplicaFailure e) {
            throw Replies.shared(e, Outcome.NOT_APPLIED);
        }
        subscription = context.shared.subscribe(coherence);
        coherence.awaitListening(deadline);
        coherence.pull(deadline);
    }

    /** One round of the drain; answers whether there is more to do at once. */
    boolean stepDrain() {
        return drain != null && drain.stepSafely().isZero();
    }

    /** What a failure of the primary means to a caller. */
    public static UnderstudyException translated(PrimaryFailure failure) {
        return Replies.primary(failure);
    }

    private void reopening(int shard) {
        recovery.reopened(shard);
    }

    private void reopened(int shard) {
        context.counters.shardDrops.increment();
        ackLevels.reopened();
        recovery.reopened(shard);
    }

    private void closed() {
        outbox.owe();
    }

    private void hintDrain() {
        if (drain != null) {
            drain.hint();
        }
    }

    /** The repository's name. */
    public String name() {
        return context.store.name();
    }

    /** The key of a value; refuses null values and keys. */
    public K keyOf(V value) {
        return CacheContext.present(context.store.keyOf(CacheContext.present(value, "value")), "key");
    }

    /** What this instance has done for the repository. */
    public Counters counters() {
        return context.counters;
    }

    /** What this engine's reads choose among. */
    public Reads<K, V> reads() {
        return reads;
    }

    private void renew(K key) {
        renewals.renew(key);
    }

    /** Where the near replica stands. */
    public NearStatus nearStatus() {
        return coherence.status(near.size());
    }

    /** Writes in the mode of the options or the repository: write-through all or none of a chunk, write-back each by itself. */
    public Map<K, WriteReceipt> write(List<Mutation<K, V>> mutations, Write options, @Nullable SessionState session) {
        Deadline deadline = context.deadline(options.timeout());
        WriteMode mode = modeOf(options);
        int chunk = options.chunk().orElse(Integer.MAX_VALUE);
        Set<K> keys = new LinkedHashSet<>();
        for (Mutation<K, V> mutation : mutations) {
            check(mutation, mode, mutations.size() > (mode == WriteMode.THROUGH ? 1 : chunk));
            if (!keys.add(mutation.key())) {
                throw new Invalid("a key is written twice in one call");
            }
        }
        if (mutations.size() <= chunk) {
            return mutations.isEmpty() ? Map.of() : writeChunk(mutations, mode, options, session, deadline);
        }
        Map<K, WriteReceipt> receipts = new LinkedHashMap<>();
        for (int from = 0; from < mutations.size(); from += chunk) {
            List<Mutation<K, V>> some = mutations.subList(from, Math.min(from + chunk, mutations.size()));
            try {
                deadline.check(Tier.LIBRARY, Outcome.NOT_APPLIED);
                receipts.putAll(writeChunk(some, mode, options, session, deadline));
            } catch (RuntimeException e) {
                throw partly(e, mode, from, some.size(), mutations.size());
            }
        }
        return receipts;
    }

    /** What a call in chunks ends with whose next chunk failed; what the store itself threw passes, unless rows are written. */
    private static RuntimeException partly(RuntimeException e, WriteMode mode, int from, int chunk, int all) {
        if (!(e instanceof UnderstudyException failure)) {
            Outcome outcome = mode == WriteMode.THROUGH ? Outcome.NOT_APPLIED : Outcome.UNKNOWN;
            return from == 0
                    ? e
                    : new PartlyWritten(from, new Unavailable("the store failed", e, Tier.LIBRARY, outcome));
        }
        int written = failure.outcome() == Outcome.APPLIED ? from + chunk : from;
        return written == 0 || written == all ? e : new PartlyWritten(written, failure);
    }

    private Map<K, WriteReceipt> writeChunk(
            List<Mutation<K, V>> mutations,
            WriteMode mode,
            Write options,
            @Nullable SessionState session,
            Deadline deadline) {
        Known<K> known = key -> knownTo(session, key);
        if (mode == WriteMode.BACK) {
            return back.write(
                    mutations,
                    options.ack().orElse(context.settings.back().ack()),
                    known,
                    deadline,
                    (mutation, receipt) -> remember(session, mutation, receipt));
        }
        Map<K, WriteReceipt> receipts = through.write(mutations, known, deadline, onPartition(options));
        mutations.forEach(mutation -> {
            WriteReceipt receipt = receipts.get(mutation.key());
            if (receipt != null) {
                remember(session, mutation, receipt);
            }
        });
        // After the session knows of it: the write is made, told or not.
        ThroughReceipt.requireTold(receipts.values());
        return receipts;
    }

    private void remember(@Nullable SessionState session, Mutation<K, V> mutation, WriteReceipt receipt) {
        if (session != null) {
            context.remember(session, mutation.key(), mutation.value().isPresent(), receipt);
        }
    }

    private Version knownTo(@Nullable SessionState session, K key) {
        return session == null
                ? Version.ABSENT
                : session.known(name(), context.address(key).text());
    }

    private void check(Mutation<K, V> mutation, WriteMode mode, boolean isSealedLate) {
        context.address(mutation.key());
        if (mutation.ifVersion().isPresent() && !context.isVersioned()) {
            throw new Invalid("a condition on the version needs a version column; " + name() + " has none");
        }
        if (isSealedLate) {
            // Refused before anything is written: a value that cannot be encoded could not be cached.
            mutation.value().ifPresent(context.envelope::seal);
            if (mode == WriteMode.BACK) {
                mutation.value().ifPresent(context.store::check);
            }
        }
    }

    private OnPartition onPartition(Write options) {
        return options.onPartition().orElse(context.settings.onPartition());
    }

    private WriteMode modeOf(Write options) {
        boolean byDefault =
                context.settings.writeBack() && context.settings.back().byDefault();
        WriteMode mode = options.mode().orElse(byDefault ? WriteMode.BACK : WriteMode.THROUGH);
        if (mode == WriteMode.BACK && !context.settings.writeBack()) {
            throw new Invalid("write-back is not allowed on " + name() + "; allowWriteBack(...) allows it");
        }
        if (mode == WriteMode.BACK) {
            ackLevels.require(options.ack().orElse(context.settings.back().ack()));
        } else if (options.ack().isPresent()) {
            throw new Invalid("an ack level goes with write-back only");
        }
        return mode;
    }

    /**
     * Replaces the row's value by the function's result, if nobody else changed it meanwhile; tries again otherwise.
     *
     * @throws dev.understudy.model.Conflict if there is no row, or others change it all the time
     */
    public WriteReceipt update(K key, UnaryOperator<V> change, Write options, @Nullable SessionState session) {
        WriteMode mode = modeOf(options);
        if (context.isVersioned()) {
            return updates.compareAndSet(
                    key, change, mode, options, (mutation, write) -> write(List.of(mutation), write, session));
        }
        WriteReceipt receipt = updates.locked(
                key, change, k -> knownTo(session, k), context.deadline(options.timeout()), onPartition(options));
        if (session != null) {
            context.remember(session, key, true, receipt);
        }
        ThroughReceipt.requireTold(List.of(receipt));
        return receipt;
    }

    /** Makes all replicas forget the keys: for changes that nobody told the library of. */
    public void invalidate(Collection<K> keys) {
        Deadline deadline = context.deadline(Optional.empty());
        List<ShardKey> addresses = new ArrayList<>();
        keys.forEach(key -> addresses.add(context.address(key)));
        try {
            shards.callAll(
                    addresses.stream().map(ShardKey::shard).toList(),
                    i -> generation -> new SharedCommand.Invalidate(addresses.get(i), generation, Version.ABSENT),
                    deadline);
        } catch (SharedReplicaFailure | GenerationChanged e) {
            throw Replies.shared(e, Outcome.UNKNOWN);
        } finally {
            keys.forEach(near::evict);
        }
    }

    /**
     * A part in a transaction that spans several repositories.
     *
     * @throws Invalid if the timeout is longer than a marker holds: it is renewed once, before the commit
     */
    public Participant<K, V> participant(Duration timeout) {
        if (timeout.compareTo(context.settings.marker()) > 0) {
            throw new Invalid("the transaction's timeout " + timeout + " is over shared.marker of " + name() + ", "
                    + context.settings.marker());
        }
        return new Participant<>(context, through, primaryReads, outbox, Deadline.after(context.clock, timeout));
    }

    /** Waits until nothing is pending, over all instances; answers how many entries are left at the deadline. */
    public long drain(Duration timeout) {
        if (!context.settings.writeBack()) {
            return 0;
        }
        return EmptyWait.await(context, this::hintDrain, Deadline.after(context.clock, timeout));
    }

    /** Dead letters, oldest first, at most so many. */
    public List<DeadLetter<K, V>> deadLetters(int limit) {
        return deadLetters.list(limit, context.deadline(Optional.empty()));
    }

    /** Writes a dead letter's value through, unless the row has changed since; then discards it. */
    public WriteReceipt retry(DeadLetter<K, V> letter) {
        return deadLetters.retry(letter, context.deadline(Optional.empty()));
    }

    /** Removes a dead letter; false if it is not there any more. */
    public boolean discard(DeadLetter<K, V> letter) {
        return deadLetters.discard(letter, context.deadline(Optional.empty()));
    }

    /** Has the engines drain together; refuses those that allow no write-back or are in a group already. */
    public static void group(List<CacheEngine<?, ?>> parentsFirst) {
        DrainGroup.form(parentsFirst);
    }

    /** How this engine drains. */
    DrainGroup.Member drained() {
        return member;
    }

    /** Stops draining in this instance, until {@link #resumeDrain}. */
    public void pauseDrain() {
        if (drain != null) {
            drain.pause(Deadline.after(context.clock, context.settings.timeout()));
        }
    }

    /** Goes on draining in this instance. */
    public void resumeDrain() {
        if (drain != null) {
            drain.resume();
        }
    }

    /** The counters of all shards, added up. */
    public WriteBackStatus status() {
        return new ShardStatuses(shards).sum(context.deadline(Optional.empty()), context.left.total());
    }

    /** Delivers what the shared replica missed, if somebody took note of it; to be called every second. */
    public void deliverMissed() {
        outbox.look();
    }

    /** Pulls positions, so that near entries count as fresh; to be called every third of the staleness bound. */
    public void confirm() {
        Duration third = context.settings.near().maxStaleness().dividedBy(3);
        Duration timeout = third.compareTo(context.settings.timeout()) < 0 ? third : context.settings.timeout();
        Deadline deadline = Deadline.after(context.clock, timeout);
        try {
            outbox.settle(deadline);
        } catch (SharedReplicaFailure | GenerationChanged e) {
            // Still away: nothing is confirmed.
            return;
        }
        coherence.pull(deadline);
    }

    /** Puts back what a shared replica that lost its memory owes; to be called about once a second. */
    public void recover() {
        if (context.settings.writeBack()) {
            recovery.run();
        }
    }

    /** How often {@link #confirm} is due. */
    public Duration confirmEvery() {
        return context.settings.near().maxStaleness().dividedBy(3);
    }

    /**
     * Ends the engines of one instance: they drain side by side what is pending in their shards by now, give the shards back and stop
     * listening, all within the timeout. A quarter of the time, at most a second, is kept for giving back, so that others need not wait for
     * the leases to end.
     *
     * @return entries that are left, over all engines and instances; empty if it is not known, as the shared replica is away
     */
    public static OptionalLong close(List<CacheEngine<?, ?>> engines, Clock clock, Duration timeout) {
        return new Closing(engines, clock, timeout).run();
    }

    /** How this engine ends. */
    Closing.Member closing() {
        return new Closing.Member(context, drain);
    }

    /** Stops listening and forgets what the near replica has. */
    void release() {
        receipts.close();
        if (subscription != null) {
            subscription.close();
        }
        near.clear();
    }
}
