package dev.understudy.adapters.redis;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One shard on a real Redis with the scripts under test, or mutants of them, and an injected clock. After every call it checks
 * the conservation of acknowledged writes in the shard's meta. Not thread-safe.
 */
final class ScriptedShard {
    static final String ENTRY = "s:{c.0}:e:";
    static final String META = "s:{c.0}:m";
    static final String QUEUE = "s:{c.0}:q";
    static final String CHANNEL = "s:i:c";

    private final RedisWire wire;
    private final Map<String, String> digests = new HashMap<>();

    ScriptedShard(RedisWire wire, List<Scripts.Script> scripts) {
        this.wire = wire;
        wire.subscribe(CHANNEL);
        List<Object[]> loads = new ArrayList<>();
        for (Scripts.Script script : scripts) {
            digests.put(script.name(), script.sha1());
            loads.add(new Object[] {"SCRIPT", "LOAD", script.text()});
        }
        wire.pipeline(loads);
    }

    /** Runs a script, then checks the counters. Arguments as {@link RedisWire} takes them. */
    Reply call(String script, String key, long now, long generation, Object... arguments) {
        Object[] command = new Object[10 + arguments.length];
        Object[] head = {
            "EVALSHA", digests.get(script), 3, ENTRY + key, META, QUEUE, key, CHANNEL, now, generation,
        };
        System.arraycopy(head, 0, command, 0, head.length);
        System.arraycopy(arguments, 0, command, head.length, arguments.length);
        List<@Nullable Object> replies =
                wire.pipeline(List.<Object[]>of(command, new Object[] {"GET", META}, new Object[] {"ZCARD", QUEUE}));
        if (replies.get(1) instanceof byte[] meta) {
            Counters counters = counters(meta, (Long) replies.get(2));
            if (!counters.conserved()) {
                throw new Violation("conservation: after " + script + " " + counters);
            }
        }
        @SuppressWarnings("unchecked")
        List<@Nullable Object> parts = (List<@Nullable Object>) replies.get(0);
        return new Reply(parts);
    }

    /** The counters of a shard. */
    record Counters(long acked, long applied, long superseded, long dead, long lost, long hollow, long queued) {
        boolean conserved() {
            return acked == applied + superseded + dead + lost + queued - hollow && hollow >= 0 && hollow <= queued;
        }
    }

    @Nullable
    Counters counters() {
        List<@Nullable Object> replies =
                wire.pipeline(List.of(new Object[] {"GET", META}, new Object[] {"ZCARD", QUEUE}));
        return replies.get(0) instanceof byte[] meta ? counters(meta, (Long) replies.get(1)) : null;
    }

    private static Counters counters(byte[] meta, long queued) {
        ByteBuffer b = ByteBuffer.wrap(meta, 28, 48);
        return new Counters(b.getLong(), b.getLong(), b.getLong(), b.getLong(), b.getLong(), b.getLong(), queued);
    }

    /** The entry's bytes, without a script. */
    byte @Nullable [] entry(String key) {
        return (byte[]) wire.call("GET", ENTRY + key);
    }

    /** The generation in the meta (-1 if there is none) and the entry's bytes, read at once. */
    Glance glance(String key) {
        @SuppressWarnings("unchecked")
        List<byte @Nullable []> raw = (List<byte @Nullable []>) wire.call("MGET", META, ENTRY + key);
        byte[] meta = raw.get(0);
        return new Glance(meta == null ? -1 : ByteBuffer.wrap(meta).getInt() & 0xFFFF_FFFFL, raw.get(1));
    }

    /** What a strong read sees in Redis. */
    record Glance(long generation, byte @Nullable [] entry) {}

    long queued() {
        return (Long) wire.call("ZCARD", QUEUE);
    }

    /** Evicts the entry if it may be: under {@code volatile-*} what has a time to live. */
    boolean evict(String key) {
        if ((Long) wire.call("PTTL", ENTRY + key) <= 0) {
            return false;
        }
        delete(key);
        return true;
    }

    /** Loses the meta alone. */
    void deleteMeta() {
        wire.call("DEL", META);
    }

    /** Deletes the entry whatever it is. */
    void delete(String key) {
        wire.call("DEL", ENTRY + key);
    }

    /** Loses everything. */
    void flush(List<String> keys) {
        wire.call(names("DEL", keys));
    }

    /** What a lagging replica has. */
    List<Object[]> snapshot(List<String> keys) {
        List<Object[]> snapshot = new ArrayList<>();
        Object[] names = names("", keys);
        for (int i = 1; i < names.length; i++) {
            List<@Nullable Object> read =
                    wire.pipeline(List.of(new Object[] {"DUMP", names[i]}, new Object[] {"PTTL", names[i]}));
            if (read.get(0) != null) {
                snapshot.add(new Object[] {"RESTORE", names[i], Math.max((Long) read.get(1), 0), read.get(0)});
            }
        }
        return snapshot;
    }

    /** Goes back to a snapshot. */
    void goBack(List<String> keys, List<Object[]> snapshot) {
        flush(keys);
        wire.pipeline(snapshot);
    }

    /** The next announcement that has arrived, or null. */
    @Nullable
    String takeAnnouncement() {
        return wire.takeMessage();
    }

    private static Object[] names(String command, List<String> keys) {
        List<Object> names = new ArrayList<>(List.of(command, META, QUEUE));
        keys.forEach(key -> names.add(ENTRY + key));
        return names.toArray();
    }
}
