package dev.understudy.engine;

import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Row;
import java.util.Collection;
import java.util.Map;

/** Reads of rows at the primary, outside and inside a caller's transaction. Thread-safe. */
final class PrimaryReads<K, V> {
    private final CacheContext<K, V> context;

    PrimaryReads(CacheContext<K, V> context) {
        this.context = context;
    }

    /** The rows of the keys that exist, in one statement. Throws what a caller of the library may see. */
    Map<K, Row<V>> load(Collection<K> keys, Deadline deadline) {
        context.gate.enter();
        context.counters.primaryLoads.add(keys.size());
        try {
            return context.gate.call(Primary.Use.LOAD, deadline, connection -> context.store.load(connection, keys));
        } catch (PrimaryFailure e) {
            throw Replies.primary(e);
        }
    }

    /** The same on the caller's connection. */
    Map<K, Row<V>> loadOn(PrimaryConnection connection, Collection<K> keys) throws Exception {
        context.counters.primaryLoads.add(keys.size());
        return context.store.load(connection, keys);
    }
}
