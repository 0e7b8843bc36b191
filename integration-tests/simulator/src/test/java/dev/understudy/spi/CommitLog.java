package dev.understudy.spi;

import dev.understudy.model.Version;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** What the primary's twin has committed to one table, in order. Thread-safe. */
public final class CommitLog {
    /** A row's change; the epoch is 0 where no drain wrote it, the version 0 where the row was deleted. */
    public record Change(String key, long version, Optional<Object> value, Map<Integer, Long> epochs) {}

    private final List<Change> changes = new CopyOnWriteArrayList<>();
    private final InMemoryPrimary primary;
    private final String table;

    /** Begins to note commits to the table of that name. */
    public CommitLog(InMemoryPrimary primary, String table) {
        this.primary = primary;
        this.table = table;
        primary.watch(this::note);
    }

    private void note(InMemoryPrimary.Committed committed) {
        Map<Integer, Long> epochs = new TreeMap<>();
        if (committed.use() == Primary.Use.DRAIN) {
            committed
                    .changes()
                    .getOrDefault(InMemoryLedger.SHARDS + table, Map.of())
                    .forEach((shard, lease) -> lease.ifPresent(
                            held -> epochs.put((Integer) shard, ((InMemoryLedger.Lease) held).epoch())));
        }
        committed.changes().getOrDefault("table/" + table, Map.of()).forEach((key, row) -> {
            Optional<Row<?>> present = row.map(stored -> (Row<?>) stored);
            changes.add(new Change(
                    (String) key,
                    present.map(Row::version).orElse(Version.ABSENT).value(),
                    present.map(Row::value),
                    epochs));
        });
    }

    /** The changes so far. */
    public List<Change> changes() {
        return List.copyOf(changes);
    }

    /** The committed rows. */
    public Map<String, Object> rows() {
        Map<String, Object> rows = new TreeMap<>();
        primary.committed("table/" + table).forEach((key, row) -> rows.put((String) key, ((Row<?>) row).value()));
        return rows;
    }
}
