package dev.understudy.engine;

import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.Change;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.Row;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a write-through's delete leaves at the primary, so that no pending write that it overtook comes back. Confined to the thread of the
 * transaction.
 *
 * <p>The drain is kept out of the shards until the delete has committed: a write may have been logged after its marker was put. The
 * tombstone lies above the row that was deleted, which another writer may have stamped later than this one's marker.
 */
final class Tombstones<K, V> {
    private final CacheContext<K, V> context;
    private final Map<K, Version> planned = new LinkedHashMap<>();

    Tombstones(CacheContext<K, V> context) {
        this.context = context;
    }

    /** Before the deletes: keeps the drain out and locks the rows. Nothing to do where write-back is not allowed. */
    void plan(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        Map<K, Version> deletes = new LinkedHashMap<>();
        Set<Integer> shards = new LinkedHashSet<>();
        for (Change<K, V> change : changes) {
            if (change.value().isEmpty() && context.settings.writeBack()) {
                deletes.put(change.key(), change.version());
                shards.add(context.address(change.key()).shard());
            }
        }
        if (deletes.isEmpty()) {
            return;
        }
        context.primary.ledger().excludeDrain(connection, context.store.name(), shards);
        Map<K, Row<V>> rows = context.store.lock(connection, deletes.keySet());
        deletes.forEach((key, proposed) -> {
            Row<V> row = rows.get(key);
            Version above =
                    row == null ? Version.ABSENT : new Version(row.version().value() + 1);
            planned.put(key, above.isAfter(proposed) ? above : proposed);
        });
    }

    /** After the deletes: records those that were not refused; answers their versions. */
    Map<K, Version> record(PrimaryConnection connection, Collection<K> refused) throws Exception {
        planned.keySet().removeAll(refused);
        if (planned.isEmpty()) {
            return planned;
        }
        Map<String, Version> deleted = new TreeMap<>();
        planned.forEach((key, version) -> {
            ShardKey address = context.address(key);
            deleted.put(address.text(), version);
        });
        context.primary.ledger().recordTombstones(connection, context.store.name(), deleted);
        return planned;
    }
}
