package dev.understudy.engine;

import dev.understudy.model.Conflict;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.Prepared;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Renewed;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.AppliedChange;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One repository's part in one transaction at the primary: markers before the SQL, the SQL, and the outcome told to the replicas.
 * Confined to the thread that runs the transaction.
 *
 * <p>Steps: {@link #write} any number of times (each puts the markers of new keys first, so that rows are stamped above any pending
 * write-back), {@link #beforeCommit}, then exactly one of {@link #committed}, {@link #rolledBack}, {@link #unknown}.
 * If the thread dies between, the markers expire and make the entries suspect: the next reader asks the primary.
 */
final class ThroughWrite<K, V> {
    /** Subtracted from a marker's deadline, for the skew between the clocks of primary and shared replica. */
    private static final long SKEW_MICROS = 100_000;
    /** What the outcome is given at least, once the primary has committed. */
    private static final Duration GRACE = Duration.ofMillis(500);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final OutcomeTelling<K, V> telling;
    private final Known<K> known;
    private final Deadline deadline;
    private final Map<K, Marked<V>> marked = new LinkedHashMap<>();
    /** Whether the work is done and the commit is the adapter's. */
    private boolean isHandedOver;

    ThroughWrite(
            CacheContext<K, V> context,
            Shards shards,
            NearTier<K, V> near,
            LateApplies late,
            Known<K> known,
            Deadline deadline) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.telling = new OutcomeTelling<>(context, shards, near, late);
        this.known = known;
        this.deadline = deadline;
    }

    /** Puts the markers of the keys that have none yet, pipelined. */
    void prepare(Collection<K> keys) {
        Map<K, Marked<V>> added = new LinkedHashMap<>();
        for (K key : keys) {
            if (!marked.containsKey(key)) {
                ShardKey address = context.address(key);
                Marked<V> mark = new Marked<>(address, near.enter(key, shards.state(address.shard())));
                marked.put(key, mark);
                added.put(key, mark);
            }
        }
        if (!added.isEmpty() && !context.breaker.allows()) {
            throw Replies.shared(
                    new SharedReplicaFailure(SharedReplicaFailure.Reason.NOT_SENT, "it did not answer lately", null),
                    Outcome.NOT_APPLIED);
        }
        put(added);
    }

    private void put(Map<K, Marked<V>> added) {
        List<Marked<V>> marks = List.copyOf(added.values());
        List<Version> floors = added.keySet().stream().map(known::of).toList();
        long since = context.clock.nanoTime();
        List<Shards.Reply<Prepared>> replies = shards.attemptAll(
                Marked.shards(marks),
                i -> generation -> {
                    marks.get(i).generation = generation;
                    return new SharedCommand.Prepare(
                            marks.get(i).address, generation, context.settings.marker(), floors.get(i));
                },
                deadline);
        RuntimeException first = null;
        for (int i = 0; i < marks.size(); i++) {
            Marked<V> mark = marks.get(i);
            RuntimeException failure = replies.get(i).failure();
            // Noted also where another one failed: it has to be taken back.
            mark.prepared = failure == null ? replies.get(i).result() : Marked.NONE;
            mark.since = since;
            mark.isOwn = false;
            mark.isLost = false;
            first = first == null ? failure : first;
        }
        if (first != null) {
            context.breaker.failed();
            throw Replies.shared(first, Outcome.NOT_APPLIED);
        }
        context.breaker.succeeded();
    }

    /** Between two attempts, when nothing is written: renews what is in the second half of its life, and puts anew what is lost. */
    void refresh() {
        long half = context.settings.marker().toNanos() / 2;
        long now = context.clock.nanoTime();
        if (marked.values().stream().anyMatch(mark -> mark.isLost || now - mark.since > half)) {
            renewAll();
        }
        Map<K, Marked<V>> lost = new LinkedHashMap<>();
        marked.forEach((key, mark) -> {
            if (mark.isLost) {
                lost.put(key, mark);
            }
        });
        if (!lost.isEmpty()) {
            put(lost);
        }
    }

    /** Whether a marker has ended, or its shard has lost it, since it was put. */
    boolean hasLostMarker() {
        return marked.values().stream().anyMatch(mark -> mark.isLost);
    }

    /** Forgets keys whose markers could not be put; one that was put nevertheless expires by itself. */
    void forgetUnprepared() {
        marked.entrySet().removeIf(entry -> {
            boolean isUnprepared = entry.getValue().prepared.deadlineMicros() == 0;
            if (isUnprepared) {
                near.leave(entry.getKey(), entry.getValue().ticket);
            }
            return isUnprepared;
        });
    }

    /** Writes on the connection, all or none; what the primary stored becomes visible elsewhere only after {@link #committed}. */
    Map<K, Applied<V>> write(PrimaryConnection connection, List<Mutation<K, V>> mutations) throws Exception {
        prepare(mutations.stream().map(Mutation::key).toList());
        awaitForeign(Mutation.upserted(mutations));
        List<Change<K, V>> changes = new ArrayList<>();
        for (Mutation<K, V> mutation : mutations) {
            changes.add(change(mutation));
        }
        for (Conflict conflict : apply(connection, changes).values()) {
            throw conflict;
        }
        Map<K, Applied<V>> stored = new LinkedHashMap<>();
        for (Mutation<K, V> mutation : mutations) {
            Applied<V> applied = at(mutation.key()).applied;
            if (applied != null) {
                stored.put(mutation.key(), applied);
            }
        }
        return stored;
    }

    /**
     * Writes rows of callers who know nothing of each other: one whose condition does not hold leaves the others alone.
     *
     * @return the refusals
     */
    Map<K, Conflict> writeEach(PrimaryConnection connection, List<Mutation<K, V>> mutations) throws Exception {
        Map<K, Conflict> refused = new LinkedHashMap<>();
        List<Change<K, V>> changes = new ArrayList<>();
        for (Mutation<K, V> mutation : mutations) {
            try {
                changes.add(change(mutation));
            } catch (Conflict e) {
                refused.put(mutation.key(), e);
            }
        }
        refused.putAll(apply(connection, changes));
        return refused;
    }

    private Change<K, V> change(Mutation<K, V> mutation) {
        Marked<V> mark = at(mutation.key());
        Version version = context.isVersioned() ? mark.prepared.version() : Version.UNVERSIONED;
        return new Change<>(
                mutation.key(),
                mutation.value(),
                version,
                ThroughGuards.of(mutation, mark.prepared, mark.applied != null));
    }

    /** Forgets what was written, as the transaction was rolled back and is tried again under the same markers. */
    void restart() {
        isHandedOver = false;
        marked.values().forEach(mark -> {
            mark.applied = null;
            mark.tombstone = null;
        });
    }

    /**
     * Waits until pending values with columns that this version of the application does not know are drained: the write would supersede them,
     * and these columns would be lost. Rule 23.
     */
    void awaitForeign(Collection<K> upserted) {
        while (hasForeign(upserted)) {
            ForeignWrites.pause(deadline);
        }
    }

    /** Whether a marked key has a pending value with such columns. */
    boolean hasForeign(Collection<K> upserted) {
        List<Marked<V>> pending = upserted.stream()
                .map(this::at)
                .filter(mark -> !mark.isOwn && mark.prepared.pendingKind() == EntryKind.VALUE)
                .toList();
        if (pending.isEmpty()) {
            return false;
        }
        boolean isForeign = ForeignWrites.isAny(
                context, pending.stream().map(mark -> mark.address).toList(), deadline);
        pending.forEach(mark -> mark.isOwn = !isForeign);
        return isForeign;
    }

    /** Stamps rows that the caller's own SQL changed, so that their order is known, and takes note of those it deleted. */
    void changed(PrimaryConnection connection, Collection<K> keys) throws Exception {
        prepare(keys);
        Map<K, Row<V>> rows = context.store.lock(connection, keys);
        awaitForeign(rows.keySet());
        List<Change<K, V>> changes = new ArrayList<>();
        for (K key : new LinkedHashSet<>(keys)) {
            Optional<V> value = Optional.ofNullable(rows.get(key)).map(Row::value);
            if (!context.isVersioned() && value.isPresent()) {
                at(key).applied = new Applied.Stored<>(new Row<>(value.get(), Version.UNVERSIONED));
            } else {
                Guard guard = value.isPresent() ? Guard.EXISTS : Guard.NONE;
                changes.add(new Change<>(key, value, at(key).prepared.version(), guard));
            }
        }
        for (Conflict conflict : apply(connection, changes).values()) {
            throw conflict;
        }
    }

    /** Sends the changes and takes note of what the primary did; answers those that it refused. */
    private Map<K, Conflict> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        if (changes.isEmpty()) {
            return Map.of();
        }
        Tombstones<K, V> tombstones = new Tombstones<>(context);
        tombstones.plan(connection, changes);
        Map<K, Applied<V>> applied = context.store.apply(connection, changes);
        Map<K, Conflict> refusals = new LinkedHashMap<>();
        for (Change<K, V> change : changes) {
            Applied<V> result = applied.get(change.key());
            if (result == null) {
                throw new Invalid("the store answered nothing for a change");
            }
            if (result instanceof Applied.Refused<V> refused) {
                refusals.put(change.key(), ThroughGuards.conflict(change.guard(), refused.current()));
            } else {
                at(change.key()).applied = result;
            }
        }
        tombstones.record(connection, refusals.keySet()).forEach((key, version) -> at(key).tombstone = version);
        return refusals;
    }

    /** Takes the rows as they are now for what was written, as some of it may have been rolled back to a savepoint. */
    void lookAgain(PrimaryConnection connection) throws Exception {
        List<K> written = new ArrayList<>();
        marked.forEach((key, mark) -> {
            if (mark.applied != null) {
                written.add(key);
            }
        });
        // Without versions a write makes the replicas forget, whatever became of it.
        if (!context.isVersioned() || written.isEmpty()) {
            return;
        }
        Map<K, Row<V>> rows = context.store.load(connection, written);
        List<K> absent = new ArrayList<>();
        for (K key : written) {
            Row<V> row = rows.get(key);
            if (row == null) {
                absent.add(key);
            }
            at(key).applied = row == null ? new Applied.Deleted<>(true) : new Applied.Stored<>(row);
        }
        if (context.settings.writeBack() && !absent.isEmpty()) {
            keepTombstones(connection, absent);
        }
    }

    /** Whose write or delete was rolled back left no tombstone: what is pending is not below it. */
    private void keepTombstones(PrimaryConnection connection, List<K> absent) throws Exception {
        List<String> texts =
                absent.stream().map(key -> context.address(key).text()).toList();
        Map<String, Version> left = context.primary.ledger().tombstones(connection, context.store.name(), texts);
        for (K key : absent) {
            Marked<V> mark = at(key);
            Version found = left.getOrDefault(mark.address.text(), Version.ABSENT);
            if (mark.tombstone == null || mark.tombstone.isAfter(found)) {
                mark.tombstone = Version.ABSENT;
            }
        }
    }

    /** Last in the transaction: it must not commit when a marker no longer holds. */
    void beforeCommit(PrimaryConnection connection, boolean renews) throws Exception {
        if (marked.isEmpty()) {
            isHandedOver = true;
            return;
        }
        if (renews) {
            renew();
        }
        long earliest = Long.MAX_VALUE;
        for (Marked<V> mark : marked.values()) {
            earliest = Math.min(earliest, mark.prepared.deadlineMicros());
        }
        context.primary.commitBefore(connection, earliest - SKEW_MICROS);
        isHandedOver = true;
    }

    private void renew() {
        renewAll();
        if (hasLostMarker()) {
            throw new Unavailable("a marker was lost before commit", null, Tier.SHARED, Outcome.NOT_APPLIED);
        }
    }

    private void renewAll() {
        List<Marked<V>> all = List.copyOf(marked.values());
        long since = context.clock.nanoTime();
        List<Shards.Reply<Renewed>> replies = shards.attemptAll(
                Marked.shards(all),
                i -> generation -> new SharedCommand.Renew(
                        all.get(i).address,
                        all.get(i).generation,
                        context.settings.marker(),
                        all.get(i).prepared.deadlineMicros()),
                deadline);
        for (int i = 0; i < all.size(); i++) {
            Marked<V> mark = all.get(i);
            RuntimeException failure = replies.get(i).failure();
            mark.isLost = failure == null ? !replies.get(i).result().held() : failure instanceof GenerationChanged;
            if (failure != null && !mark.isLost) {
                throw new Unavailable("a marker was lost before commit", failure, Tier.SHARED, Outcome.NOT_APPLIED);
            }
            if (!mark.isLost) {
                Prepared old = mark.prepared;
                mark.since = since;
                mark.prepared = new Prepared(
                        old.version(),
                        replies.get(i).result().deadlineMicros(),
                        old.preparedMicros(),
                        old.pendingKind(),
                        old.pendingVersion());
            }
        }
    }

    /**
     * The primary has committed: tells the shared replica, then this instance's. What the former could not be told in time is told later;
     * its receipt says so, as the caller must not be told of success then ({@link ThroughReceipt#requireTold}).
     */
    Map<K, WriteReceipt> committed() {
        Map<K, Marked<V>> written = new LinkedHashMap<>(marked);
        written.values().removeIf(mark -> mark.applied == null);
        Deadline until = deadline.remainingNanos() > GRACE.toNanos() ? deadline : Deadline.after(context.clock, GRACE);
        try {
            return telling.tell(written, until);
        } finally {
            withdrawUnwritten();
            leave();
        }
    }

    /**
     * The transaction has failed in whatever way: takes the markers back, or leaves them to expire where it may have committed.
     *
     * @return what is known of it
     */
    Outcome failed(Throwable e) {
        // The adapter says what became of the commit; of anything else that was thrown after the work nobody knows.
        boolean isUnknown = e instanceof PrimaryFailure failure ? failure.outcome() == Outcome.UNKNOWN : isHandedOver;
        if (isUnknown) {
            unknown();
            return Outcome.UNKNOWN;
        }
        rolledBack();
        return Outcome.NOT_APPLIED;
    }

    /** The primary has certainly committed nothing: takes the markers back. */
    void rolledBack() {
        marked.values().forEach(mark -> mark.applied = null);
        withdrawUnwritten();
        leave();
    }

    /** It is not known whether the primary committed: the markers stay, so that entries become suspect when they expire. */
    void unknown() {
        marked.keySet().forEach(near::evict);
        leave();
    }

    private void withdrawUnwritten() {
        List<Marked<V>> unwritten = marked.values().stream()
                .filter(mark -> mark.applied == null && mark.prepared.deadlineMicros() > 0)
                .toList();
        if (unwritten.isEmpty()) {
            return;
        }
        Deadline soon = Deadline.after(context.clock, GRACE);
        // A marker that cannot be taken back expires by itself; until then the entry is served as before.
        shards.attemptAll(
                Marked.shards(unwritten),
                i -> generation -> new SharedCommand.Apply(
                        unwritten.get(i).address,
                        unwritten.get(i).generation,
                        AppliedChange.ABORTED,
                        Version.ABSENT,
                        new byte[0],
                        context.timeToLive(false),
                        Optional.of(unwritten.get(i).prepared),
                        unwritten.get(i).writeId,
                        false),
                soon);
    }

    private void leave() {
        marked.forEach((key, mark) -> near.leave(key, mark.ticket));
        marked.clear();
    }

    private Marked<V> at(K key) {
        Marked<V> mark = marked.get(key);
        if (mark == null) {
            throw new IllegalStateException("no marker was put for a key");
        }
        return mark;
    }
}
