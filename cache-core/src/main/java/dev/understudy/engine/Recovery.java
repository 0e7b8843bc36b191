package dev.understudy.engine;

import dev.understudy.engine.Undrained.Write;
import dev.understudy.model.Generation;
import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.RestoreReply;
import dev.understudy.spi.Row;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.ShardStatus;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this instance does when a shard comes back with another generation: it compares its own undrained writes with the primary and puts
 * back what neither the primary nor a tombstone covers. {@link #run} is never called twice at a time, the rest is thread-safe.
 *
 * <p>Source: snapshot plus log, with the writers' memories as the log: what a living instance acknowledged is restored or reported lost,
 * exactly; what only a dead instance knew cannot be known.
 */
final class Recovery<K, V> {
    private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);
    private static final int BATCH = 500;
    /** Writes younger than this are not looked after yet: the drain has hardly had the time. */
    private static final Duration SETTLING = Duration.ofSeconds(1);
    /** Before a key is looked at again that another instance restores or loads. */
    private static final Duration PAUSE = Duration.ofMillis(20);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final Undrained undrained;
    private final Set<Integer> reopened = ConcurrentHashMap.newKeySet();
    private int next;

    Recovery(CacheContext<K, V> context, Shards shards, Undrained undrained) {
        this.context = context;
        this.shards = shards;
        this.undrained = undrained;
    }

    /** A shard has another generation than before. */
    void reopened(int shard) {
        reopened.add(shard);
    }

    /** Restores what reopened shards have lost, and forgets what others have drained. */
    void run() {
        for (int shard : reopened) {
            try {
                // First, so that a loss during the restoring is not forgotten.
                reopened.remove(shard);
                restore(shard);
            } catch (SharedReplicaFailure | GenerationChanged | PrimaryFailure | UnderstudyException e) {
                reopened.add(shard);
                LOG.warn("recovery of shard {} of {} is retried: {}", shard, context.store.name(), e.getMessage());
                return;
            }
        }
        if (reopened.isEmpty()) {
            forgetDrained();
            context.counters.recoveryRounds.increment();
        }
    }

    private void restore(int shard) {
        List<Write> writes = undrained.of(shard);
        for (int from = 0; from < writes.size(); from += BATCH) {
            restore(shard, writes.subList(from, Math.min(writes.size(), from + BATCH)));
        }
    }

    private void restore(int shard, List<Write> writes) {
        Deadline deadline = Deadline.after(context.clock, context.settings.timeout());
        long now = context.clock.nanoTime();
        Map<Write, byte[]> restorable = new LinkedHashMap<>();
        List<Write> others = new ArrayList<>();
        for (Write write : writes) {
            byte[] payload = write.payload();
            if (payload == null || now - write.acknowledgedAt() > DrainLedger.RESTORE_WINDOW.toNanos()) {
                others.add(write);
            } else {
                restorable.put(write, payload);
            }
        }
        // Before the primary is asked: what is drained in between is found there.
        List<Write> lost = notPending(others, deadline);
        Map<String, Version> covered = covered(writes, deadline);
        restorable.keySet().removeAll(settle(writes, covered, deadline));
        put(restorable, deadline);
        report(shard, lost.stream().filter(write -> !isCovered(write, covered)).toList(), deadline);
    }

    /** Those that the primary has; they are no longer remembered. */
    private List<Write> settle(List<Write> writes, Map<String, Version> covered, Deadline deadline) {
        List<Write> drained =
                writes.stream().filter(write -> isCovered(write, covered)).toList();
        forget(drained, covered, deadline);
        drained.forEach(write -> undrained.settled(write.address(), write.version()));
        return drained;
    }

    private static boolean isCovered(Write write, Map<String, Version> covered) {
        return held(write, covered).compareTo(write.version()) >= 0;
    }

    private static Version held(Write write, Map<String, Version> covered) {
        return covered.getOrDefault(write.address().text(), Version.ABSENT);
    }

    private static List<Integer> shardsOf(List<Write> writes) {
        return writes.stream().map(write -> write.address().shard()).toList();
    }

    /** What was filled between the loss and the drain's commit is older than the row; the drain's own outcome no longer says so. */
    private void forget(List<Write> writes, Map<String, Version> covered, Deadline deadline) {
        shards.callAll(
                shardsOf(writes),
                i -> generation ->
                        new SharedCommand.Invalidate(writes.get(i).address(), generation, held(writes.get(i), covered)),
                deadline);
    }

    /** What the replica knows nothing of is compared with the primary once more under a lease, so that nothing drained since is hidden. */
    private void put(Map<Write, byte[]> restorable, Deadline deadline) {
        List<Write> open = List.copyOf(restorable.keySet());
        while (!open.isEmpty()) {
            long lease = CacheContext.newIdentity();
            List<Write> cold = put(open, restorable, lease, false, deadline);
            if (cold.isEmpty()) {
                return;
            }
            List<Write> missing = new ArrayList<>(cold);
            missing.removeAll(settle(cold, covered(cold, deadline), deadline));
            open = put(missing, restorable, lease, true, deadline);
            if (!open.isEmpty()) {
                deadline.pause(PAUSE, Tier.SHARED, Outcome.NOT_APPLIED);
            }
        }
    }

    /** Answers those that were cold. */
    private List<Write> put(
            List<Write> writes, Map<Write, byte[]> payloads, long lease, boolean isAsked, Deadline deadline) {
        List<RestoreReply> replies = shards.callAll(
                shardsOf(writes),
                i -> {
                    Write write = writes.get(i);
                    return generation -> new SharedCommand.Restore(
                            write.address(),
                            generation,
                            write.kind(),
                            Objects.requireNonNull(payloads.get(write)),
                            write.writeId(),
                            write.version(),
                            lease,
                            isAsked);
                },
                deadline);
        context.counters.restoredWrites.add(
                replies.stream().filter(RestoreReply.RESTORED::equals).count());
        return IntStream.range(0, writes.size())
                .filter(i -> replies.get(i) == RestoreReply.COLD)
                .mapToObj(writes::get)
                .toList();
    }

    /**
     * Counts the losses in the shared replica and tells them by their keys' hashes. They are remembered until that is done: tried again after a
     * failure, they may be counted twice there, but never not at all.
     */
    private void report(int shard, List<Write> lost, Deadline deadline) {
        if (lost.isEmpty()) {
            return;
        }
        ShardStatus status = shards.call(
                shard, generation -> new SharedCommand.ReportLost(shard, generation, lost.size()), deadline);
        context.counters.lostWrites.add(lost.size());
        LOG.error(
                "{} acknowledged write-backs of {} are lost with the shared replica's memory; {} in shard {} in all; hashes of their keys: {}",
                lost.size(),
                context.store.name(),
                status.lost(),
                shard,
                lost.stream()
                        .map(write -> HexFormat.of().toHexDigits(write.address().hash()))
                        .collect(Collectors.joining(" ")));
        lost.forEach(undrained::lost);
    }

    /** Those that are not in the queue any more, nor is a newer one of their keys. */
    private List<Write> notPending(List<Write> writes, Deadline deadline) {
        List<Write> found = new ArrayList<>();
        List<@Nullable SharedEntry> entries = writes.isEmpty() ? List.of() : entries(writes, deadline);
        for (int i = 0; i < writes.size(); i++) {
            SharedEntry entry = entries.get(i);
            if (entry == null || !entry.pending() || writes.get(i).version().isAfter(entry.version())) {
                found.add(writes.get(i));
            }
        }
        return found;
    }

    /** The newest version that the primary knows of each key: its row's or its tombstone's. */
    private Map<String, Version> covered(List<Write> writes, Deadline deadline) {
        List<K> keys = new ArrayList<>();
        List<String> texts = new ArrayList<>();
        for (Write write : writes) {
            keys.add(context.keys.parse(write.address().text()));
            texts.add(write.address().text());
        }
        return context.primary.call(Primary.Use.LOAD, deadline.remaining(), connection -> {
            Map<String, Version> newest =
                    new HashMap<>(context.primary.ledger().tombstones(connection, context.store.name(), texts));
            Map<K, Row<V>> rows = context.store.load(connection, keys);
            rows.forEach(
                    (key, row) -> newest.merge(context.keys.text(key), row.version(), (a, b) -> a.isAfter(b) ? a : b));
            return newest;
        });
    }

    /**
     * Forgets writes of keys that nothing is pending of any more: another instance's drain has taken them to the primary, or a newer one in
     * their place. A newer write that is pending does not settle an older one: its writer may be dead, or not know of it, and then nobody
     * else could restore it.
     *
     * <p>Where a shard has fewer pending keys than are remembered of it some are to be forgotten; else it is looked at only while there is
     * little. So there are hardly more records than pending keys.
     */
    private void forgetDrained() {
        if (undrained.size() == 0) {
            return;
        }
        try {
            Deadline deadline = Deadline.after(context.clock, context.settings.timeout());
            List<Long> pending = Replies.await(context.shared.pending(), deadline);
            boolean isLittle = undrained.size() <= BATCH;
            int count = pending.size();
            int first = next;
            for (int i = 0; i < count && deadline.remaining().compareTo(SETTLING) > 0; i++) {
                int shard = (first + i) % count;
                next = shard + 1;
                long excess = undrained.size(shard) - pending.get(shard);
                if (isLittle || excess > 0) {
                    forgetDrained(shard, isLittle ? Long.MAX_VALUE : excess);
                }
            }
        } catch (SharedReplicaFailure | GenerationChanged e) {
            // Nothing is forgotten before it is certain.
            LOG.debug("undrained writes of {} are looked at later", context.store.name());
        }
    }

    /** Looks at the oldest first, as they are drained first, until so many are forgotten or all were looked at. */
    private void forgetDrained(int shard, long wanted) {
        List<Write> old = undrained.olderThan(shard, context.clock.nanoTime() - SETTLING.toNanos());
        int before = undrained.size(shard);
        for (int from = 0; from < old.size() && before - undrained.size(shard) < wanted; from += BATCH) {
            forgetDrained(shard, old.subList(from, Math.min(old.size(), from + BATCH)));
        }
    }

    private void forgetDrained(int shard, List<Write> old) {
        Generation expected = shards.state(shard).generation();
        List<@Nullable SharedEntry> entries = entries(old, Deadline.after(context.clock, context.settings.timeout()));
        // Read after the entries: under an unchanged generation, what is not there was not lost.
        ShardPosition position = Replies.await(
                        context.shared.positions(), Deadline.after(context.clock, context.settings.timeout()))
                .get(shard);
        if (!position.position().generation().equals(expected) || reopened.contains(shard)) {
            return;
        }
        for (int i = 0; i < old.size(); i++) {
            SharedEntry entry = entries.get(i);
            if (entry == null || !entry.pending()) {
                undrained.settled(old.get(i).address(), old.get(i).version());
            }
        }
    }

    private List<@Nullable SharedEntry> entries(List<Write> writes, Deadline deadline) {
        List<ShardKey> addresses = writes.stream().map(Write::address).toList();
        return Replies.await(context.shared.read(addresses), deadline);
    }
}
