package dev.understudy.spi;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** A sorted set of keys by when they first became pending, ties by the bytes of the key. Not thread-safe. */
final class InMemoryQueue {
    private record Queued(long score, String key, byte[] bytes) {}

    private final Map<String, Queued> byKey = new HashMap<>();
    private final TreeSet<Queued> ordered = new TreeSet<>(
            Comparator.comparingLong(Queued::score).thenComparing(Queued::bytes, Arrays::compareUnsigned));

    /** Adds the key unless it is there; false if it is. */
    boolean addIfMissing(String key, long score) {
        Queued queued = new Queued(score, key, key.getBytes(StandardCharsets.UTF_8));
        if (byKey.putIfAbsent(key, queued) != null) {
            return false;
        }
        return ordered.add(queued);
    }

    /** Raises the score of a key that is there. */
    void raise(String key, long score) {
        Queued queued = byKey.get(key);
        if (queued != null && queued.score() < score) {
            remove(key);
            addIfMissing(key, score);
        }
    }

    boolean remove(String key) {
        Queued queued = byKey.remove(key);
        return queued != null && ordered.remove(queued);
    }

    int size() {
        return ordered.size();
    }

    /** The oldest score; 0 if there is none. */
    long oldest() {
        return ordered.isEmpty() ? 0 : ordered.first().score();
    }

    List<String> due(long until, int limit) {
        return ordered.stream()
                .takeWhile(queued -> queued.score() <= until)
                .limit(limit)
                .map(Queued::key)
                .toList();
    }

    /** Keys and scores, in order. */
    Map<String, Long> scores() {
        Map<String, Long> scores = new LinkedHashMap<>();
        ordered.forEach(queued -> scores.put(queued.key(), queued.score()));
        return scores;
    }

    InMemoryQueue copy() {
        InMemoryQueue copy = new InMemoryQueue();
        copy.byKey.putAll(byKey);
        copy.ordered.addAll(ordered);
        return copy;
    }
}
