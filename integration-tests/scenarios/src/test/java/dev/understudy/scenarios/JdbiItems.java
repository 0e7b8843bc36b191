package dev.understudy.scenarios;

import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.sql.Connection;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.mapper.RowMapper;

/** The table of {@link Item} in an application's own SQL through Jdbi. Immutable. */
final class JdbiItems implements PrimaryStore<Long, Item> {
    private static final RowMapper<Row<Item>> ROW = (row, context) -> new Row<>(
            new Item(row.getLong("id"), row.getString("name"), row.getLong("amount")),
            new Version(row.getLong("us_version")));

    @Override
    public String name() {
        return "jdbi_item";
    }

    @Override
    public Class<Long> keyType() {
        return Long.class;
    }

    @Override
    public Class<Item> valueType() {
        return Item.class;
    }

    @Override
    public Versioning versioning() {
        return Versioning.column("us_version");
    }

    @Override
    public Long keyOf(Item item) {
        return item.id();
    }

    @Override
    public Map<Long, Row<Item>> load(PrimaryConnection connection, Collection<Long> keys) {
        return select(connection, "SELECT * FROM item WHERE id = ANY (:ids)", keys);
    }

    @Override
    public Map<Long, Row<Item>> lock(PrimaryConnection connection, Collection<Long> keys) {
        return select(connection, "SELECT * FROM item WHERE id = ANY (:ids) ORDER BY id FOR UPDATE", keys);
    }

    private static Map<Long, Row<Item>> select(PrimaryConnection connection, String sql, Collection<Long> keys) {
        Map<Long, Row<Item>> rows = new HashMap<>();
        handle(connection)
                .createQuery(sql)
                .bindArray("ids", Long.class, List.copyOf(keys))
                .map(ROW)
                .forEach(row -> rows.put(row.value().id(), row));
        return rows;
    }

    /** Row by row, in the order of the keys: the simplest store that keeps the contract. */
    @Override
    public Map<Long, Applied<Item>> apply(PrimaryConnection connection, List<Change<Long, Item>> changes) {
        Map<Long, Applied<Item>> applied = new HashMap<>();
        List<Change<Long, Item>> ordered =
                changes.stream().sorted(Comparator.comparing(Change::key)).toList();
        for (Change<Long, Item> change : ordered) {
            applied.put(change.key(), apply(connection, change));
        }
        return applied;
    }

    private Applied<Item> apply(PrimaryConnection connection, Change<Long, Item> change) {
        Handle handle = handle(connection);
        Optional<Row<Item>> present =
                Optional.ofNullable(lock(connection, List.of(change.key())).get(change.key()));
        Version current = present.map(Row::version).orElse(Version.ABSENT);
        if (!holds(change.guard(), current, change.version())) {
            return new Applied.Refused<>(current);
        }
        if (change.value().isEmpty()) {
            return new Applied.Deleted<>(handle.execute("DELETE FROM item WHERE id = ?", change.key()) == 1);
        }
        Item item = change.value().orElseThrow();
        // A proposal at or below the row's version is replaced by an odd one above it.
        long version = change.version().isAfter(current) ? change.version().value() : (current.value() + 1) | 1;
        boolean mayUpdate = !(change.guard() instanceof Guard.Missing);
        Optional<Row<Item>> stored = handle.createQuery("INSERT INTO item (id, name, amount, us_version)"
                        + " VALUES (:id, :name, :amount, :version) ON CONFLICT (id) DO "
                        + (mayUpdate
                                ? "UPDATE SET name = excluded.name, amount = excluded.amount,"
                                        + " us_version = greatest(excluded.us_version, (item.us_version + 1) | 1)"
                                : "NOTHING")
                        + " RETURNING *")
                .bind("id", item.id())
                .bind("name", item.name())
                .bind("amount", item.amount())
                .bind("version", version)
                .map(ROW)
                .findOne();
        return stored.<Applied<Item>>map(Applied.Stored::new).orElseGet(() -> new Applied.Refused<>(Version.UNKNOWN));
    }

    private static boolean holds(Guard guard, Version current, Version proposed) {
        if (guard instanceof Guard.Missing) {
            return current.isAbsent();
        }
        if (guard instanceof Guard.Exists) {
            return !current.isAbsent();
        }
        if (guard instanceof Guard.Older) {
            return proposed.isAfter(current);
        }
        if (guard instanceof Guard.Exactly exactly) {
            return exactly.version().equals(current);
        }
        return !(guard instanceof Guard.AtMost atMost) || current.compareTo(atMost.version()) <= 0;
    }

    /** Closing it would close the library's connection, which does not let itself be closed. */
    private static Handle handle(PrimaryConnection connection) {
        return Jdbi.open(connection.unwrap(Connection.class));
    }
}
