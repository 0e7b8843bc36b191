package dev.understudy.engine;

import dev.understudy.spi.Primary;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * The shards that this instance may drain, with their fencing epochs. Confined to the drain's thread.
 *
 * <p>Leases are taken only for shards with pending writes and given back when these are gone, so that an idle application writes nothing to
 * the primary. What another instance holds is asked for again after a pause. Source of the fence: M. Kleppmann, "How to do
 * distributed locking", 2016; the token is checked in the transaction that it protects.
 */
final class ShardLeases<K, V> {
    private static final Duration REFUSED_PAUSE = Duration.ofMillis(500);
    private static final Duration IDLE = Duration.ofSeconds(1);

    private final CacheContext<K, V> context;
    private final String owner;
    private final Map<Integer, Long> epochs = new LinkedHashMap<>();
    private final Map<Integer, Long> lastPending = new HashMap<>();
    private final Map<Integer, Long> refusedAt = new HashMap<>();

    ShardLeases(CacheContext<K, V> context, String owner) {
        this.context = context;
        this.owner = owner;
    }

    /** The epochs of those of the shards that are, or now become, this instance's. */
    Map<Integer, Long> hold(Set<Integer> pending, Duration timeout) {
        long now = context.clock.nanoTime();
        Set<Integer> wanted = new LinkedHashSet<>();
        for (int shard : pending) {
            lastPending.put(shard, now);
            Long refused = refusedAt.get(shard);
            if (!epochs.containsKey(shard) && (refused == null || now - refused >= REFUSED_PAUSE.toNanos())) {
                wanted.add(shard);
            }
        }
        if (!wanted.isEmpty()) {
            Map<Integer, Long> claimed = context.primary.call(
                    Primary.Use.DRAIN,
                    timeout,
                    connection ->
                            context.primary.ledger().claim(connection, context.store.name(), wanted, owner, lease()));
            epochs.putAll(claimed);
            wanted.forEach(shard -> {
                if (claimed.containsKey(shard)) {
                    refusedAt.remove(shard);
                } else {
                    refusedAt.put(shard, now);
                }
            });
        }
        Map<Integer, Long> held = new LinkedHashMap<>();
        for (int shard : pending) {
            Long epoch = epochs.get(shard);
            if (epoch != null) {
                held.put(shard, epoch);
            }
        }
        return held;
    }

    /** Another instance has taken the shard over, or its lease was lost. */
    void lost(int shard) {
        epochs.remove(shard);
        refusedAt.put(shard, context.clock.nanoTime());
    }

    /** Gives back the leases of shards that have had nothing pending for a while; all of them if told so. */
    void release(boolean all, Duration timeout) {
        long now = context.clock.nanoTime();
        Map<Integer, Long> idle = new LinkedHashMap<>();
        epochs.forEach((shard, epoch) -> {
            if (all || now - lastPending.getOrDefault(shard, now) > IDLE.toNanos()) {
                idle.put(shard, epoch);
            }
        });
        if (idle.isEmpty()) {
            return;
        }
        context.primary.call(Primary.Use.DRAIN, timeout, connection -> {
            context.primary.ledger().release(connection, context.store.name(), idle, owner);
            return true;
        });
        epochs.keySet().removeAll(idle.keySet());
    }

    /** Gives shards back at once and leaves them to other instances for a moment: they have entries that this one cannot read. */
    void handOver(Set<Integer> shards, Duration timeout) {
        Map<Integer, Long> given = new LinkedHashMap<>(epochs);
        given.keySet().retainAll(shards);
        if (given.isEmpty()) {
            return;
        }
        context.primary.call(Primary.Use.DRAIN, timeout, connection -> {
            context.primary.ledger().release(connection, context.store.name(), given, owner);
            return true;
        });
        given.keySet().forEach(this::lost);
    }

    Duration lease() {
        return context.settings.back().lease();
    }

    String owner() {
        return owner;
    }
}
