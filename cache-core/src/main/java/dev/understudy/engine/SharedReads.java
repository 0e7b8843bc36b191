package dev.understudy.engine;

import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.FillReply;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.LeaseReply;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads at the shared replica, and through it at the primary. Thread-safe.
 *
 * <p>A read is one round trip where every key is known: entries of the present generation whose markers still hold, or pending ones. For the
 * rest the server is asked for leases; a granted lease is a load and a fill, so that one instance loads and the others wait a moment.
 * A fill is refused by the server if anything happened to the key since its lease was given.
 */
final class SharedReads<K, V> {
    private static final Duration LEASE_WAIT = Duration.ofMillis(10);
    private static final int ATTEMPTS = 3;

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final PrimaryReads<K, V> primary;
    private final OutboxDelivery<K, V> outbox;
    private final Breaker breaker;

    SharedReads(CacheContext<K, V> context, Shards shards, PrimaryReads<K, V> primary, OutboxDelivery<K, V> outbox) {
        this.context = context;
        this.shards = shards;
        this.primary = primary;
        this.outbox = outbox;
        this.breaker = context.breaker;
    }

    /** The nearest answer below the near replica, for every key. While the shared replica is away, the primary's. */
    Map<K, Found<V>> read(Collection<K> keys, Deadline deadline) {
        if (breaker.allows()) {
            try {
                Map<K, Found<V>> found = ask(keys, deadline);
                if (outbox.isOwed()) {
                    // The connection was lost before or while this was read: what the replica missed comes first.
                    outbox.settle(deadline);
                    found = ask(keys, deadline);
                }
                breaker.succeeded();
                return found;
            } catch (SharedReplicaFailure | GenerationChanged e) {
                breaker.failed();
            }
        }
        context.counters.bypassedReads.add(keys.size());
        Map<K, Found<V>> found = new LinkedHashMap<>();
        fromPrimary(new LinkedHashSet<>(keys), deadline, context.settings.writeBack(), found);
        return found;
    }

    /** The primary's rows. */
    Map<K, Found<V>> readPrimary(Set<K> keys, Deadline deadline) {
        Map<K, Found<V>> found = new LinkedHashMap<>();
        fromPrimary(keys, deadline, false, found);
        return found;
    }

    /** Linearizable: the pending write if there is one, else the primary's row; the newer of both under a marker. */
    Map<K, Found<V>> readStrong(Collection<K> keys, Deadline deadline) {
        List<K> ordered = List.copyOf(new LinkedHashSet<>(keys));
        while (true) {
            if (!context.settings.writeBack() && !breaker.allows()) {
                return strongFromPrimary(ordered, deadline);
            }
            List<@Nullable SharedEntry> entries;
            try {
                entries = entries(ordered, deadline);
                if (outbox.isOwed()) {
                    outbox.settle(deadline);
                    entries = entries(ordered, deadline);
                }
                breaker.succeeded();
            } catch (SharedReplicaFailure | GenerationChanged e) {
                breaker.failed();
                if (context.settings.writeBack()) {
                    throw Replies.shared(e, Outcome.NOT_APPLIED);
                }
                return strongFromPrimary(ordered, deadline);
            }
            Optional<Map<K, Found<V>>> found = strong(ordered, entries, deadline);
            if (found.isPresent()) {
                return found.get();
            }
            requireTimeLeft(deadline);
            deadline.pause(LEASE_WAIT, Tier.SHARED, Outcome.NOT_APPLIED);
        }
    }

    /** Where nothing can be pending the primary alone knows the newest. */
    private Map<K, Found<V>> strongFromPrimary(List<K> keys, Deadline deadline) {
        Map<K, Found<V>> found = new LinkedHashMap<>();
        fromPrimary(new LinkedHashSet<>(keys), deadline, false, found);
        return found;
    }

    /** The answers; empty if a pending write of another version of the application has to be drained first. */
    private Optional<Map<K, Found<V>>> strong(List<K> ordered, List<@Nullable SharedEntry> entries, Deadline deadline) {
        Map<K, Found<V>> found = new LinkedHashMap<>();
        Map<K, Found<V>> pending = new HashMap<>();
        Set<K> toLoad = new LinkedHashSet<>();
        for (int i = 0; i < ordered.size(); i++) {
            SharedEntry entry = entries.get(i);
            K key = ordered.get(i);
            if (entry == null || !entry.pending()) {
                toLoad.add(key);
                continue;
            }
            Optional<Found<V>> waiting = decoded(entry);
            if (waiting.isEmpty()) {
                return Optional.empty();
            }
            if (entry.writers() == 0) {
                found.put(key, waiting.get());
            } else {
                pending.put(key, waiting.get());
                toLoad.add(key);
            }
        }
        fromPrimary(toLoad, deadline, false, found);
        pending.forEach((key, waiting) -> found.compute(
                key, (k, row) -> row != null && row.version().isAfter(waiting.version()) ? row : waiting));
        observe(ordered, entries, found, deadline);
        return Optional.of(found);
    }

    /** Tells the shards of versions that the primary allocated itself and they may not know. */
    private void observe(List<K> keys, List<@Nullable SharedEntry> entries, Map<K, Found<V>> found, Deadline deadline) {
        List<ShardKey> news = new ArrayList<>();
        List<Version> versions = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            Found<V> row = found.get(keys.get(i));
            SharedEntry entry = entries.get(i);
            boolean isKnown = entry != null && row != null && row.version().compareTo(entry.version()) <= 0;
            if (context.isVersioned() && row != null && row.version().isStamped() && !isKnown) {
                news.add(context.address(keys.get(i)));
                versions.add(row.version());
            }
        }
        if (!news.isEmpty()) {
            try {
                shards.callAll(
                        shardsOf(news),
                        i -> generation -> new SharedCommand.Invalidate(news.get(i), generation, versions.get(i)),
                        deadline);
            } catch (SharedReplicaFailure | GenerationChanged e) {
                throw Replies.shared(e, Outcome.NOT_APPLIED);
            }
        }
    }

    /** The entries as they are, null where there is none. */
    List<@Nullable SharedEntry> entries(List<K> keys, Deadline deadline) {
        List<ShardKey> addresses = keys.stream().map(context::address).toList();
        for (int attempt = 1; ; attempt++) {
            try {
                return Replies.await(context.shared.read(addresses), deadline);
            } catch (GenerationChanged e) {
                if (attempt == ATTEMPTS) {
                    throw e;
                }
                for (int shard : new LinkedHashSet<>(shardsOf(addresses))) {
                    shards.open(shard, deadline);
                }
            }
        }
    }

    private Map<K, Found<V>> ask(Collection<K> keys, Deadline deadline) {
        Map<K, Found<V>> found = new LinkedHashMap<>();
        long asOf = context.clock.nanoTime();
        List<K> ordered = List.copyOf(keys);
        List<@Nullable SharedEntry> entries = entries(ordered, deadline);
        List<K> unknown = new ArrayList<>();
        for (int i = 0; i < ordered.size(); i++) {
            SharedEntry entry = entries.get(i);
            Optional<Found<V>> hit =
                    entry != null && answers(ordered.get(i), entry) ? decoded(entry, asOf) : Optional.empty();
            if (hit.isPresent()) {
                context.counters.sharedHits.increment();
                found.put(ordered.get(i), hit.get());
            } else {
                unknown.add(ordered.get(i));
            }
        }
        // Whoever holds the lease is waited for until it ends, then it is given anew; half of the time is kept for a
        // load of one's own.
        long patience = deadline.remainingNanos() / 2;
        while (!unknown.isEmpty()) {
            unknown = leaseAndFill(unknown, found, deadline.remainingNanos() <= patience, deadline);
            if (!unknown.isEmpty()) {
                deadline.pause(LEASE_WAIT, Tier.SHARED, Outcome.NOT_APPLIED);
            }
        }
        return found;
    }

    /** Whether an entry may be believed without asking the server for its own clock. */
    private boolean answers(K key, SharedEntry entry) {
        if (entry.pending()) {
            return true;
        }
        ShardState state = shards.state(context.address(key).shard());
        if (!entry.kind().isKnown() || !entry.generation().equals(state.generation())) {
            return false;
        }
        // A marker in the second half of its life is judged by the server's clock, in LEASE.
        long half = context.settings.marker().toNanos() / 2000;
        return entry.writers() == 0 || entry.markerDeadline() - half > context.micros();
    }

    /** Asks for leases, loads what was granted, and answers the keys that somebody else is loading. */
    private List<K> leaseAndFill(List<K> keys, Map<K, Found<V>> found, boolean lastTry, Deadline deadline) {
        long leaseId = CacheContext.newIdentity();
        long asOf = context.clock.nanoTime();
        List<ShardKey> addresses = keys.stream().map(context::address).toList();
        List<LeaseReply> replies = shards.callAll(
                shardsOf(addresses),
                i -> generation ->
                        new SharedCommand.Lease(addresses.get(i), generation, leaseId, context.settings.lease()),
                deadline);
        Set<K> granted = new LinkedHashSet<>();
        Set<K> unfilled = new LinkedHashSet<>();
        List<K> waiting = new ArrayList<>();
        for (int i = 0; i < keys.size(); i++) {
            K key = keys.get(i);
            if (replies.get(i) instanceof LeaseReply.Granted) {
                granted.add(key);
            } else if (replies.get(i) instanceof LeaseReply.Hit hit) {
                Optional<Found<V>> known = decoded(hit.entry(), asOf);
                if (known.isPresent()) {
                    context.counters.sharedHits.increment();
                    found.put(key, known.get());
                } else {
                    if (hit.entry().pending()) {
                        // Of another version of the application: once it is drained the row has all columns.
                        requireTimeLeft(deadline);
                        waiting.add(key);
                    } else {
                        replace(addresses.get(i), deadline);
                        (lastTry ? unfilled : waiting).add(key);
                    }
                }
            } else if (lastTry) {
                unfilled.add(key);
            } else {
                waiting.add(key);
            }
        }
        Set<K> toLoad = new LinkedHashSet<>(granted);
        toLoad.addAll(unfilled);
        fromPrimary(toLoad, deadline, false, found);
        fill(List.copyOf(granted), found, leaseId, deadline);
        return waiting;
    }

    /** A pending write that this version of the application cannot read must not be hidden by the primary's older row. */
    private static void requireTimeLeft(Deadline deadline) {
        if (deadline.remainingNanos() < 2 * LEASE_WAIT.toNanos()) {
            throw new Unavailable(
                    "a pending write does not decode in this version of the application",
                    null,
                    Tier.SHARED,
                    Outcome.NOT_APPLIED);
        }
    }

    /** Bytes that do not decode are a miss: forgotten, so that the next lease is granted. */
    private void replace(ShardKey address, Deadline deadline) {
        shards.call(
                address.shard(),
                generation -> new SharedCommand.Invalidate(address, generation, Version.ABSENT),
                deadline);
    }

    private void fill(List<K> keys, Map<K, Found<V>> found, long leaseId, Deadline deadline) {
        if (keys.isEmpty()) {
            return;
        }
        List<ShardKey> addresses = keys.stream().map(context::address).toList();
        List<Shards.Reply<FillReply>> replies = shards.attemptAll(
                shardsOf(addresses),
                i -> {
                    Found<V> row = Objects.requireNonNull(found.get(keys.get(i)));
                    byte[] payload = row.value().map(context.envelope::seal).orElse(new byte[0]);
                    return generation -> new SharedCommand.Fill(
                            addresses.get(i),
                            generation,
                            leaseId,
                            row.value().isPresent() ? EntryKind.VALUE : EntryKind.ABSENT,
                            row.version(),
                            payload,
                            context.timeToLive(row.value().isEmpty()));
                },
                deadline);
        for (int i = 0; i < keys.size(); i++) {
            Shards.Reply<FillReply> reply = replies.get(i);
            // A fill that fails or has lost its lease costs the next reader a load, nothing else.
            if (reply.failure() != null || reply.result() == FillReply.LOST) {
                context.counters.lostFills.increment();
            } else {
                found.computeIfPresent(keys.get(i), (key, row) -> row.filled());
            }
        }
    }

    private void fromPrimary(Set<K> keys, Deadline deadline, boolean mayTrail, Map<K, Found<V>> found) {
        if (keys.isEmpty()) {
            return;
        }
        long asOf = context.clock.nanoTime();
        Map<K, Row<V>> rows = primary.load(keys, deadline);
        for (K key : keys) {
            found.put(key, Found.loaded(rows.get(key), asOf, mayTrail));
        }
    }

    private Optional<Found<V>> decoded(SharedEntry entry) {
        return decoded(entry, context.clock.nanoTime());
    }

    private Optional<Found<V>> decoded(SharedEntry entry, long asOf) {
        if (entry.kind() != EntryKind.VALUE) {
            return Optional.of(new Found<>(Optional.empty(), versionOf(entry), Tier.SHARED, asOf, false, true));
        }
        return context.envelope
                .open(entry.bytes(), entry.offset(), entry.length())
                .map(value -> new Found<>(Optional.of(value), entry.version(), Tier.SHARED, asOf, false, true));
    }

    private static Version versionOf(SharedEntry entry) {
        return entry.kind() == EntryKind.DELETED ? entry.version() : Version.ABSENT;
    }

    private static List<Integer> shardsOf(List<ShardKey> addresses) {
        return addresses.stream().map(ShardKey::shard).toList();
    }
}
