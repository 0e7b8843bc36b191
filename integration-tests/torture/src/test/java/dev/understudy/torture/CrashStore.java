package dev.understudy.torture;

import dev.understudy.model.ShardKey;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.ForwardingStore;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;

/** A store that tells when it has written. Thread-safe. */
final class CrashStore<K, V> extends ForwardingStore<K, V> {
    private static final int EACH = 20;

    private final CrashPrimary primary;
    private final int shards;
    private final Map<K, Change<K, V>> puts = new ConcurrentHashMap<>();

    CrashStore(PrimaryStore<K, V> store, CrashPrimary primary, int shards) {
        super(store);
        this.primary = primary;
        this.shards = shards;
    }

    @Override
    public Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        List<Change<K, V>> dropped = new ArrayList<>();
        if (Seeded.ofThisProcess() == Seeded.ROWS_DROPPED) {
            for (Change<K, V> change : changes) {
                if (ThreadLocalRandom.current().nextInt(EACH) == 0) {
                    dropped.add(change);
                }
            }
        }
        boolean isUnguarded = Seeded.ofThisProcess() == Seeded.NO_VERSION_GUARD;
        Map<K, Applied<V>> applied = new LinkedHashMap<>(super.apply(
                connection,
                changes.stream()
                        .filter(change -> !dropped.contains(change))
                        .map(change -> isUnguarded && change.guard() == Guard.OLDER ? unguarded(change) : change)
                        .toList()));
        if (Seeded.ofThisProcess() == Seeded.DELETES_BEFORE_PUTS) {
            putAgain(connection, changes);
        }
        primary.writes(
                connection,
                name(),
                changes.stream()
                        .map(change ->
                                ShardKey.of(change.key().toString(), shards).shard())
                        .collect(Collectors.toSet()));
        dropped.forEach(change -> applied.put(change.key(), asIfApplied(change)));
        return applied;
    }

    /** The bug: a drained delete is followed by the put before it, as in a batch whose deletes come first. */
    private void putAgain(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        List<Change<K, V>> again = new ArrayList<>();
        for (Change<K, V> change : changes) {
            Change<K, V> before = change.deletes() ? puts.remove(change.key()) : null;
            if (before != null && primary.isDraining()) {
                again.add(unguarded(before));
            } else if (!change.deletes()) {
                puts.put(change.key(), change);
            }
        }
        if (!again.isEmpty()) {
            super.apply(connection, again);
        }
    }

    private Change<K, V> unguarded(Change<K, V> change) {
        return new Change<>(change.key(), change.value(), change.version(), Guard.NONE, change.parts());
    }

    private Applied<V> asIfApplied(Change<K, V> change) {
        return change.value()
                .<Applied<V>>map(value -> new Applied.Stored<>(new Row<>(value, change.version())))
                .orElseGet(() -> new Applied.Deleted<>(true));
    }
}
