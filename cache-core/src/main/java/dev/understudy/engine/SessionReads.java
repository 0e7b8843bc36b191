package dev.understudy.engine;

import dev.understudy.engine.InFlight.Ticket;
import dev.understudy.model.Outcome;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Versioned;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedReplicaFailure;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads that know what their session wrote and saw: read-your-writes and monotonic reads over all instances. Thread-safe.
 *
 * <h2>Near</h2>
 * An entry serves if the replica has applied the session's floor, read before the lookup, and if the shard was confirmed after the entry was
 * loaded: the position noted for the session then covers what it was shown.
 *
 * <h2>Shared</h2>
 * The shared replica has everything unless it lost its memory: positions are read after the entries, so that the session's floor is never below
 * what it was shown. A position below the floor sends the read to the primary.
 */
final class SessionReads<K, V> {
    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final SharedReads<K, V> reads;

    SessionReads(CacheContext<K, V> context, Shards shards, NearTier<K, V> near, SharedReads<K, V> reads) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.reads = reads;
    }

    /** Answers for every key. */
    Map<K, Versioned<V>> read(Set<K> keys, long staleness, SessionState session, Deadline deadline) {
        Map<K, Versioned<V>> answers = new LinkedHashMap<>();
        Set<K> missing = new LinkedHashSet<>();
        for (K key : keys) {
            NearEntry<V> entry = fromNear(key, staleness, session);
            if (entry == null) {
                missing.add(key);
            } else {
                context.counters.nearHits.increment();
                answers.put(key, near.versioned(entry));
            }
        }
        if (!missing.isEmpty()) {
            fromShared(missing, session, deadline).forEach((key, found) -> answers.put(key, found.versioned(context)));
        }
        return answers;
    }

    private @Nullable NearEntry<V> fromNear(K key, long staleness, SessionState session) {
        ShardKey address = context.address(key);
        ShardState state = shards.state(address.shard());
        Position before = state.applied();
        NearEntry<V> entry = near.get(key, staleness);
        if (entry == null || !near.isCovered(entry)) {
            return null;
        }
        String cache = context.store.name();
        if (!session.isSatisfied(cache, address.text(), address.shard(), entry.version(), before)) {
            return null;
        }
        session.saw(cache, address.shard(), state.applied());
        return entry;
    }

    private Map<K, Found<V>> fromShared(Set<K> keys, SessionState session, Deadline deadline) {
        Map<K, Ticket> tickets = new LinkedHashMap<>();
        keys.forEach(key -> tickets.put(
                key, near.enter(key, shards.state(context.address(key).shard()))));
        try {
            Map<K, Found<V>> found = reads.read(keys, deadline);
            List<ShardPosition> positions = positions(deadline);
            Set<K> uncovered = new LinkedHashSet<>();
            found.forEach((key, answer) -> {
                ShardKey address = context.address(key);
                Position position = positions.isEmpty()
                        ? Position.NONE
                        : positions.get(address.shard()).position();
                if (!answer.mayTrail() && session.isCovered(context.store.name(), address.shard(), position)) {
                    session.saw(context.store.name(), address.shard(), position);
                    near.install(key, present(tickets, key), answer);
                } else {
                    uncovered.add(key);
                }
            });
            found.putAll(fromPrimary(uncovered, positions.isEmpty(), deadline));
            return found;
        } finally {
            tickets.forEach(near::leave);
        }
    }

    /** The positions, or nothing if the shared replica is away. */
    private List<ShardPosition> positions(Deadline deadline) {
        try {
            return Replies.await(context.shared.positions(), deadline);
        } catch (SharedReplicaFailure | GenerationChanged e) {
            return List.of();
        }
    }

    /** The shared replica is away or has lost what the session saw. */
    private Map<K, Found<V>> fromPrimary(Set<K> keys, boolean isAway, Deadline deadline) {
        if (keys.isEmpty()) {
            return Map.of();
        }
        if (isAway && context.settings.writeBack()) {
            throw new Unavailable(
                    "what the session saw cannot be vouched for while the shared replica is away",
                    null,
                    Tier.SHARED,
                    Outcome.NOT_APPLIED);
        }
        context.counters.uncoveredReads.add(keys.size());
        // What the session saw may be a write that is pending still, or again: the primary alone would go back behind
        // it.
        return context.settings.writeBack() ? reads.readStrong(keys, deadline) : reads.readPrimary(keys, deadline);
    }

    private static <K> Ticket present(Map<K, Ticket> tickets, K key) {
        Ticket ticket = tickets.get(key);
        if (ticket == null) {
            throw new IllegalStateException("a key without a ticket");
        }
        return ticket;
    }
}
