package dev.understudy.torture;

import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/** A store that tells when it has written. Thread-safe. */
record CrashStore<K, V>(PrimaryStore<K, V> store, CrashPrimary primary) implements PrimaryStore<K, V> {
    @Override
    public Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        Map<K, Applied<V>> applied = store.apply(connection, changes);
        primary.did(CrashPrimary.Done.WRITTEN);
        return applied;
    }

    @Override
    public Map<K, Row<V>> load(PrimaryConnection connection, Collection<K> keys) throws Exception {
        return store.load(connection, keys);
    }

    @Override
    public Map<K, Row<V>> lock(PrimaryConnection connection, Collection<K> keys) throws Exception {
        return store.lock(connection, keys);
    }

    @Override
    public K keyOf(V value) {
        return store.keyOf(value);
    }

    @Override
    public String name() {
        return store.name();
    }

    @Override
    public Class<K> keyType() {
        return store.keyType();
    }

    @Override
    public Class<V> valueType() {
        return store.valueType();
    }

    @Override
    public Versioning versioning() {
        return store.versioning();
    }

    @Override
    public void check(V value) {
        store.check(value);
    }

    @Override
    public void verify(PrimaryConnection connection) throws Exception {
        store.verify(connection);
    }
}
