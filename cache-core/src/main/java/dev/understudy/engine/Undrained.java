package dev.understudy.engine;

import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.EntryKind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * This instance's acknowledged write-backs that are not known to have left the queue: what it can put back if the shared replica loses its
 * memory, and what it can report lost. Thread-safe.
 *
 * <h2>Bounds</h2>
 * One record per pending key, so at most the repository's bound of pending keys written by this instance; payloads up to
 * {@code restorableBytes} in all. A record without a payload is reported lost instead of restored. The identities of the last {@link #LOST}
 * that were are kept.
 */
final class Undrained {
    private static final int LOST = 10_000;

    private final long payloadBytes;
    /** Identities of writes that were reported lost, the newest of them. */
    private final Set<Long> lost = new LinkedHashSet<>();

    private final Map<Integer, Map<String, Write>> byShard = new HashMap<>();
    private long bytes;
    private int size;

    /** One acknowledged write; the payload is empty if it was over the bound. */
    record Write(
            ShardKey address,
            EntryKind kind,
            Version version,
            long writeId,
            byte @Nullable [] payload,
            long acknowledgedAt) {
        /** Keys and values never appear in logs or messages. */
        @Override
        public String toString() {
            return "Write[" + kind + ", " + version + "]";
        }

        private long bytes() {
            return payload == null ? 0 : payload.length;
        }
    }

    Undrained(long payloadBytes) {
        this.payloadBytes = payloadBytes;
    }

    /** Remembers a write that was just acknowledged; an older one of its key is superseded. */
    synchronized void add(Write write) {
        Map<String, Write> shard = byShard.computeIfAbsent(write.address().shard(), s -> new LinkedHashMap<>());
        Write before = shard.get(write.address().text());
        if (before != null && before.version().isAfter(write.version())) {
            return;
        }
        remove(write.address(), write.version());
        boolean isOver = write.payload() != null && bytes + write.bytes() > payloadBytes;
        Write kept = isOver
                ? new Write(
                        write.address(), write.kind(), write.version(), write.writeId(), null, write.acknowledgedAt())
                : write;
        shard.put(write.address().text(), kept);
        bytes += kept.bytes();
        size++;
    }

    /** The write of the key at that version, or an older one, has been applied, superseded or buried. */
    synchronized void settled(ShardKey address, Version version) {
        remove(address, version);
    }

    /** The write was reported lost, for ever. */
    synchronized void lost(Write write) {
        remove(write.address(), write.version());
        lost.add(write.writeId());
        if (lost.size() > LOST) {
            Iterator<Long> eldest = lost.iterator();
            eldest.next();
            eldest.remove();
        }
    }

    /** Whether the write of that identity was reported lost. */
    synchronized boolean isLost(long writeId) {
        return lost.contains(writeId);
    }

    private void remove(ShardKey address, Version upTo) {
        Map<String, Write> shard = byShard.get(address.shard());
        Write write = shard == null ? null : shard.get(address.text());
        if (shard != null && write != null && !write.version().isAfter(upTo)) {
            shard.remove(address.text());
            bytes -= write.bytes();
            size--;
        }
    }

    /** What is remembered of the shard. */
    synchronized List<Write> of(int shard) {
        return List.copyOf(byShard.getOrDefault(shard, Map.of()).values());
    }

    /** What is remembered of the shard and was acknowledged before that moment. */
    synchronized List<Write> olderThan(int shard, long moment) {
        List<Write> old = new ArrayList<>();
        for (Write write : byShard.getOrDefault(shard, Map.of()).values()) {
            if (write.acknowledgedAt() - moment < 0) {
                old.add(write);
            }
        }
        return old;
    }

    /** How many are remembered of the shard. */
    synchronized int size(int shard) {
        return byShard.getOrDefault(shard, Map.of()).size();
    }

    synchronized int size() {
        return size;
    }

    synchronized long bytes() {
        return bytes;
    }
}
