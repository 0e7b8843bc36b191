package dev.understudy.adapters.redis;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A near replica that hears every announcement at once and checks that positions have no gap. Not thread-safe.
 */
final class ModelNear {
    private static final long WHATEVER = (1L << 53) - 1;

    /** A value or a known absence (null). */
    record Held(@Nullable String value, long version) {}

    /** A load under way: what is announced meanwhile decides whether its result may be installed. */
    static final class Load {
        private final String key;
        private long floor;

        private Load(String key) {
            this.key = key;
        }
    }

    private final Map<String, Held> held = new HashMap<>();
    private final List<Load> loads = new ArrayList<>();
    private long generation;
    private long position;

    Load begin(String key) {
        Load load = new Load(key);
        loads.add(load);
        return load;
    }

    void end(Load load, @Nullable String value, long version) {
        if (loads.remove(load) && load.floor <= version) {
            held.merge(load.key, new Held(value, version), (old, mine) -> old.version > mine.version ? old : mine);
        }
    }

    @Nullable
    Held get(String key) {
        return held.get(key);
    }

    /** Takes an announcement as the scripts publish it. */
    void hear(String text) {
        String[] parts = text.split(" ", 5);
        long version = Long.parseLong(parts[2]);
        int flags = Integer.parseInt(parts[3]);
        String key = parts[4];
        if (flags == 0) {
            generation = Long.parseLong(parts[0]);
            position = 0;
            held.clear();
            loads.clear();
            return;
        }
        if (Long.parseLong(parts[0]) == generation && Long.parseLong(parts[1]) != position + 1) {
            throw new Violation("gap: announcement " + text + " after position " + position);
        }
        position = Long.parseLong(parts[1]);
        generation = Long.parseLong(parts[0]);
        loads.stream().filter(l -> l.key.equals(key)).forEach(l -> l.floor = Math.max(l.floor, version));
        Held old = held.get(key);
        if (old != null && (version == WHATEVER || old.version < version)) {
            held.remove(key);
        }
    }
}
