package dev.understudy.torture;

import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A store that tells when it has written. Thread-safe. */
record CrashStore<K, V>(PrimaryStore<K, V> store, CrashPrimary primary) implements PrimaryStore<K, V> {
    private static final int EACH = 20;

    @Override
    public Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        List<Change<K, V>> dropped = new ArrayList<>();
        if (Seeded.ofThisProcess() == Seeded.ROWS_DROPPED) {
            for (int i = EACH - 1; i < changes.size(); i += EACH) {
                dropped.add(changes.get(i));
            }
        }
        Map<K, Applied<V>> applied = new LinkedHashMap<>(store.apply(
                connection,
                changes.stream().filter(change -> !dropped.contains(change)).toList()));
        primary.did(CrashPrimary.Done.WRITTEN);
        dropped.forEach(change -> applied.put(change.key(), asIfApplied(change)));
        return applied;
    }

    private Applied<V> asIfApplied(Change<K, V> change) {
        return change.value()
                .<Applied<V>>map(value -> new Applied.Stored<>(new Row<>(value, change.version())))
                .orElseGet(() -> new Applied.Deleted<>(true));
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
