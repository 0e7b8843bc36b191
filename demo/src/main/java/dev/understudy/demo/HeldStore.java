package dev.understudy.demo;

import dev.understudy.spi.ForwardingStore;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.util.Collection;
import java.util.Map;

/** A store whose loads can be held after they have read: everything else is the store behind it. Thread-safe. */
final class HeldStore<K, V> extends ForwardingStore<K, V> {
    HeldStore(PrimaryStore<K, V> store) {
        super(store);
    }

    @Override
    public Map<K, Row<V>> load(PrimaryConnection connection, Collection<K> keys) throws Exception {
        Map<K, Row<V>> rows = super.load(connection, keys);
        Hold.afterRead();
        return rows;
    }
}
