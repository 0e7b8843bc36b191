package dev.understudy.engine;

import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.Primary;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The shards that this instance may drain, with their fencing epochs. Confined to the drain's thread.
 *
 * <p>Leases are taken only for shards with pending writes and given back when these are gone, so that an idle application writes nothing to
 * the primary. Instances that have something to drain say so at the primary and count each other; each takes its part of the shards with
 * pending writes and gives back what is more. What nobody drains for the length of a lease any instance takes. What another instance holds
 * is asked for again after a pause. Source of the fence: M. Kleppmann, "How to do
 * distributed locking", 2016; the token is checked in the transaction that it protects.
 */
final class ShardLeases<K, V> {
    private static final Duration REFUSED_PAUSE = Duration.ofMillis(500);
    /** How often in a lease an instance says that it drains and counts those that do. */
    private static final int ROLL_CALLS = 4;

    private static final Duration IDLE = Duration.ofSeconds(1);

    private final CacheContext<K, V> context;
    private final String owner;
    private final Map<Integer, Long> epochs = new LinkedHashMap<>();
    private final Map<Integer, Long> lastPending = new HashMap<>();
    private final Map<Integer, Long> refusedAt = new HashMap<>();
    private final Map<Integer, Long> waitingSince = new HashMap<>();
    private int drainers = 1;
    private boolean isPresent;
    private boolean mayGetMore;
    private long calledAt;
    /** When something was pending anywhere, in shards of others too. */
    private long pendingAt;

    ShardLeases(CacheContext<K, V> context, String owner) {
        this.context = context;
        this.owner = owner;
    }

    /** The epochs of those of the shards that are, or now become, this instance's: at most its fair share. */
    Map<Integer, Long> hold(Set<Integer> pending, Duration timeout) {
        long now = context.clock.nanoTime();
        pendingAt = now;
        pending.forEach(shard -> lastPending.put(shard, now));
        waitingSince.keySet().retainAll(pending);
        List<Integer> free = free(pending, now);
        boolean isRollCall =
                !isPresent || now - calledAt >= lease().dividedBy(ROLL_CALLS).toNanos();
        mayGetMore = false;
        if (isRollCall || !free.isEmpty()) {
            Set<Integer> wanted = new LinkedHashSet<>();
            Map<Integer, Long> claimed = context.primary.call(Primary.Use.DRAIN, timeout, connection -> {
                DrainLedger ledger = context.primary.ledger();
                if (isRollCall) {
                    drainers = Math.max(1, ledger.attend(connection, context.store.name(), owner, lease()));
                }
                wanted.clear();
                wanted.addAll(wanted(free, share(pending), now));
                return wanted.isEmpty()
                        ? Map.<Integer, Long>of()
                        : ledger.claim(connection, context.store.name(), wanted, owner, lease());
            });
            if (isRollCall) {
                isPresent = true;
                calledAt = now;
            }
            epochs.putAll(claimed);
            wanted.forEach(shard -> {
                if (claimed.containsKey(shard)) {
                    refusedAt.remove(shard);
                    waitingSince.remove(shard);
                } else {
                    refusedAt.put(shard, now);
                }
            });
            free.removeAll(wanted);
            mayGetMore = !wanted(free, share(pending), now).isEmpty();
        }
        giveSurplus(pending, timeout);
        Map<Integer, Long> held = new LinkedHashMap<>();
        for (int shard : pending) {
            Long epoch = epochs.get(shard);
            if (epoch != null) {
                held.put(shard, epoch);
            }
        }
        return held;
    }

    /** Whether this instance has less than its share and did not ask for every shard the last time. */
    boolean mayGetMore() {
        return mayGetMore;
    }

    /** Shards with pending writes that this instance does not have and was not refused just now. */
    private List<Integer> free(Set<Integer> pending, long now) {
        List<Integer> free = new ArrayList<>();
        for (int shard : pending) {
            if (!epochs.containsKey(shard)) {
                waitingSince.putIfAbsent(shard, now);
                Long refused = refusedAt.get(shard);
                if (refused == null || now - refused >= REFUSED_PAUSE.toNanos()) {
                    free.add(shard);
                }
            }
        }
        // Each instance begins elsewhere, so that two do not ask for the same shards.
        Collections.rotate(free, Math.floorMod(owner.hashCode(), Math.max(1, free.size())));
        return free;
    }

    /** This instance's part of the shards with pending writes, rounded up. */
    private int share(Set<Integer> pending) {
        Set<Integer> all = new HashSet<>(pending);
        all.addAll(epochs.keySet());
        return (all.size() + drainers - 1) / drainers;
    }

    /** As many as are missing to the share, and all that nobody has drained for the length of a lease. */
    private Set<Integer> wanted(List<Integer> free, int share, long now) {
        Set<Integer> wanted = new LinkedHashSet<>();
        for (int shard : free) {
            boolean isMissing = epochs.size() + wanted.size() < share;
            boolean isOverdue = now - waitingSince.getOrDefault(shard, now) > lease().toNanos();
            if (isMissing || isOverdue) {
                wanted.add(shard);
            }
        }
        return wanted;
    }

    /** Gives back what is more than the share, shards without pending writes first. */
    private void giveSurplus(Set<Integer> pending, Duration timeout) {
        int surplus = epochs.size() - share(pending);
        if (surplus <= 0) {
            return;
        }
        List<Integer> order = new ArrayList<>(epochs.keySet());
        order.sort(Comparator.comparing(pending::contains));
        handOver(Set.copyOf(order.subList(0, surplus)), timeout);
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
        // Who has no shard stays counted while others have something to drain: the next shard that becomes free may be
        // its part.
        boolean rests = all || now - pendingAt > IDLE.toNanos();
        boolean leaves = isPresent && rests && idle.size() == epochs.size();
        if (idle.isEmpty() && !leaves) {
            return;
        }
        context.primary.call(Primary.Use.DRAIN, timeout, connection -> {
            if (!idle.isEmpty()) {
                context.primary.ledger().release(connection, context.store.name(), idle, owner);
            }
            if (leaves) {
                context.primary.ledger().leave(connection, context.store.name(), owner);
            }
            return true;
        });
        isPresent = isPresent && !leaves;
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
        given.keySet().forEach(shard -> {
            lost(shard);
            waitingSince.put(shard, context.clock.nanoTime());
        });
    }

    Duration lease() {
        return context.settings.back().lease();
    }

    String owner() {
        return owner;
    }
}
