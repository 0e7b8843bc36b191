package dev.understudy.torture;

import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.ForwardingStore;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;

/** A store that tells when it has written. Thread-safe. */
final class CrashStore<K, V> extends ForwardingStore<K, V> {
    private static final int EACH = 20;

    private final CrashPrimary primary;

    CrashStore(PrimaryStore<K, V> store, CrashPrimary primary) {
        super(store);
        this.primary = primary;
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
        if (Seeded.ofThisProcess() == Seeded.NO_VERSION_GUARD) {
            forgetVersions(connection, changes);
        }
        Map<K, Applied<V>> applied = new LinkedHashMap<>(super.apply(
                connection,
                changes.stream().filter(change -> !dropped.contains(change)).toList()));
        primary.did(CrashPrimary.Done.WRITTEN);
        dropped.forEach(change -> applied.put(change.key(), asIfApplied(change)));
        return applied;
    }

    private void forgetVersions(PrimaryConnection connection, List<Change<K, V>> changes) throws SQLException {
        if (!versioning().isVersioned()) {
            return;
        }
        try (PreparedStatement statement = connection
                .unwrap(Connection.class)
                .prepareStatement("UPDATE " + name() + " SET us_version = 0 WHERE id = ?")) {
            for (Change<K, V> change : changes) {
                statement.setObject(1, change.key());
                statement.addBatch();
            }
            statement.executeBatch();
        }
    }

    private Applied<V> asIfApplied(Change<K, V> change) {
        return change.value()
                .<Applied<V>>map(value -> new Applied.Stored<>(new Row<>(value, change.version())))
                .orElseGet(() -> new Applied.Deleted<>(true));
    }
}
