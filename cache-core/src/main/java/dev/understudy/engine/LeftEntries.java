package dev.understudy.engine;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * How many pending entries this instance's drain leaves to others, as of its last look at each shard: they carry columns that this version of
 * the application does not know, or do not decode. Thread-safe.
 */
final class LeftEntries {
    private final Map<Integer, Integer> byShard = new LinkedHashMap<>();

    /** Of the shards with something pending, some were looked at, and that is what was left there. */
    synchronized void saw(Set<Integer> pending, Set<Integer> lookedAt, Map<Integer, Integer> left) {
        byShard.keySet().retainAll(pending);
        byShard.keySet().removeAll(lookedAt);
        byShard.putAll(left);
    }

    /** Nothing is pending any more. */
    synchronized void clear() {
        byShard.clear();
    }

    synchronized long total() {
        return byShard.values().stream().mapToLong(Integer::longValue).sum();
    }
}
