package dev.understudy.spi;

import dev.understudy.model.Versioning;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/**
 * A store that leaves everything to another one: the base of decorators, which override what they are for. Thread-safe if the other store
 * is. Source: J. Bloch, "Effective Java", item 18 (forwarding).
 */
public abstract class ForwardingStore<K, V> implements PrimaryStore<K, V> {
    private final PrimaryStore<K, V> store;

    /** Forwards to that store. */
    protected ForwardingStore(PrimaryStore<K, V> store) {
        this.store = store;
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
    public K keyOf(V value) {
        return store.keyOf(value);
    }

    @Override
    public void check(V value) {
        store.check(value);
    }

    @Override
    public boolean writesParts() {
        return store.writesParts();
    }

    @Override
    public void verify(PrimaryConnection connection) throws Exception {
        store.verify(connection);
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
    public Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        return store.apply(connection, changes);
    }
}
