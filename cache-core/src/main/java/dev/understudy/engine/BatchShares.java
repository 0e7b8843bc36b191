package dev.understudy.engine;

import dev.understudy.spi.SharedCommand;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which shards give a batch of the drain how many entries. Not thread-safe.
 *
 * <p>Shards take turns where not all fit. Entries that could not be written are the oldest of their shard: the next look goes so far beyond
 * them.
 */
final class BatchShares {
    /** Rows that a shard gives to a batch, if it has them and there is more than fits. */
    private static final int SHARE_LEAST = 100;
    /** Entries that are looked at again although they could not be written the last time, beside a batch. */
    private static final int STUCK_MOST = 10_000;

    /** The last shard of the batch before, where not all took part. */
    private int lastShard = -1;

    /** How many entries of a shard stood in the way when it was looked at last. */
    private final Map<Integer, Integer> stuck = new LinkedHashMap<>();

    /** How many entries of each shard go into the next batch: all that fit, the shards with few first, the rest evenly. */
    Map<Integer, Integer> of(Map<Integer, Long> pending, int rows, boolean takesTurns) {
        return shares(takesTurns ? inTurn(pending, rows) : pending, rows);
    }

    /** How many entries to look at in each of these shards, in their order, so that its share is among them. */
    List<Integer> limits(Map<Integer, Integer> shares) {
        List<Integer> limits = new ArrayList<>();
        int room = STUCK_MOST;
        for (Map.Entry<Integer, Integer> share : shares.entrySet()) {
            int again = Math.min(room, stuck.getOrDefault(share.getKey(), 0));
            room -= again;
            limits.add(Math.min(SharedCommand.Peek.LIMIT_MOST, share.getValue() + again));
        }
        return limits;
    }

    /** Of the shards that were looked at, how many entries stand in the way in each. */
    void noteStuck(Set<Integer> looked, Map<Integer, Integer> found) {
        stuck.keySet().removeAll(looked);
        stuck.putAll(found);
    }

    /**
     * The shards of the next batch: all if everything fits into it, else as many as give it its rows and {@link #SHARE_LEAST} each, in turn,
     * because every shard costs a command to read and one to answer. Members of a group are not taken in turn: a row's parent is in another
     * shard.
     */
    private Map<Integer, Long> inTurn(Map<Integer, Long> pending, int rows) {
        if (pending.values().stream().mapToLong(Long::longValue).sum() <= rows) {
            return pending;
        }
        TreeMap<Integer, Long> sorted = new TreeMap<>(pending);
        List<Integer> order = new ArrayList<>(sorted.tailMap(lastShard, false).keySet());
        order.addAll(sorted.headMap(lastShard, true).keySet());
        Map<Integer, Long> turn = new LinkedHashMap<>();
        long found = 0;
        for (int shard : order) {
            if (found >= rows && turn.size() * SHARE_LEAST >= rows) {
                break;
            }
            long count = pending.getOrDefault(shard, 0L);
            turn.put(shard, count);
            found += count;
            lastShard = shard;
        }
        return turn;
    }

    private static Map<Integer, Integer> shares(Map<Integer, Long> pending, int batch) {
        List<Integer> byCount = new ArrayList<>(pending.keySet());
        byCount.sort(Comparator.comparing(shard -> pending.getOrDefault(shard, 0L)));
        Map<Integer, Integer> shares = new LinkedHashMap<>();
        int room = batch;
        for (int i = 0; i < byCount.size(); i++) {
            long fair = Math.max(1, room / (byCount.size() - i));
            int share = (int) Math.min(fair, pending.getOrDefault(byCount.get(i), 0L));
            if (share > 0 && room > 0) {
                shares.put(byCount.get(i), share);
                room -= share;
            }
        }
        return shares;
    }
}
