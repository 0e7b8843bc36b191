package dev.understudy.engine;

import dev.understudy.engine.InFlight.Ticket;
import dev.understudy.model.Outcome;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
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
 * The shared replica has everything that was announced unless it lost its memory: positions are read after the entries, so that the session's
 * floor is never below what it was shown. A position below the floor sends the read to the primary. A floor of a generation that is gone
 * is replaced once what was acknowledged in it is restored.
 *
 * <h2>Primary</h2>
 * What it shows, also to strong reads, no position covers: the session remembers its version ({@link SessionState#shown}).
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
        if (session.isDirect(context.micros())) {
            fromPrimary(keys, session, false, deadline)
                    .forEach((key, found) -> answers.put(key, found.versioned(context)));
            return answers;
        }
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

    /** Linearizable answers, which the session's further reads do not go back behind. */
    Map<K, Found<V>> readStrong(Set<K> keys, SessionState session, Deadline deadline) {
        Map<K, Found<V>> found = reads.readStrong(keys, deadline);
        shown(found, session);
        return found;
    }

    private @Nullable NearEntry<V> fromNear(K key, long staleness, SessionState session) {
        ShardState state = shards.state(context.address(key).shard());
        Position before = state.applied();
        NearEntry<V> entry = near.get(key, staleness);
        if (entry == null || session.isStrict() || !near.isCovered(entry)) {
            return null;
        }
        return accepts(session, key, entry.version(), before, state.applied()) ? entry : null;
    }

    private boolean accepts(SessionState session, K key, Version version, Position applied, Position covering) {
        ShardKey address = context.address(key);
        return session.accepts(
                context.store.name(),
                address.text(),
                address.shard(),
                version,
                applied,
                covering,
                context.knownEverywhereAt());
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
                Position position = positions.isEmpty()
                        ? Position.NONE
                        : positions.get(context.address(key).shard()).position();
                Position covering = answer.isFilled() ? position : Position.NONE;
                if (!answer.mayTrail() && accepts(session, key, answer.version(), position, covering)) {
                    near.install(key, present(tickets, key), answer);
                } else {
                    uncovered.add(key);
                }
            });
            found.putAll(fromPrimary(uncovered, session, positions.isEmpty(), deadline));
            rebase(uncovered, positions, session);
            return found;
        } finally {
            tickets.forEach(near::leave);
        }
    }

    /**
     * Takes the positions of a new generation for those of one that is gone, once living instances have had the time to restore what was
     * acknowledged: else all reads of the session would be the primary's from then on.
     */
    private void rebase(Set<K> uncovered, List<ShardPosition> positions, SessionState session) {
        if (positions.isEmpty()) {
            return;
        }
        long restored = context.clock.nanoTime()
                - context.settings.near().maxStaleness().toNanos();
        for (K key : uncovered) {
            ShardState state = shards.state(context.address(key).shard());
            Position position = positions.get(state.shard).position();
            if (position.generation().equals(state.generation()) && state.openedAt() - restored <= 0) {
                session.rebase(context.store.name(), state.shard, position);
            }
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

    /** The shared replica is away, has lost what the session saw or has not heard of it yet. */
    private Map<K, Found<V>> fromPrimary(Set<K> keys, SessionState session, boolean isAway, Deadline deadline) {
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
        Map<K, Found<V>> found =
                context.settings.writeBack() ? reads.readStrong(keys, deadline) : reads.readPrimary(keys, deadline);
        shown(found, session);
        return found;
    }

    private void shown(Map<K, Found<V>> found, SessionState session) {
        found.forEach((key, answer) -> session.shown(
                context.store.name(), context.address(key).text(), answer.version(), context.knownEverywhereAt()));
    }

    private static <K> Ticket present(Map<K, Ticket> tickets, K key) {
        Ticket ticket = tickets.get(key);
        if (ticket == null) {
            throw new IllegalStateException("a key without a ticket");
        }
        return ticket;
    }
}
