package dev.understudy.adapters.postgres;

import dev.understudy.model.Version;
import dev.understudy.spi.Outbox;
import dev.understudy.spi.PrimaryConnection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The outbox in a table (see {@link LedgerTables}). Thread-safe. */
final class PostgresOutbox implements Outbox {
    private final LedgerTables tables;

    PostgresOutbox(LedgerTables tables) {
        this.tables = tables;
    }

    @Override
    public Optional<String> whyNot(PrimaryConnection connection) throws SQLException {
        List<String> found = new ArrayList<>();
        String select = "SELECT CASE WHEN to_regclass(?::text) IS NULL THEN 'missing'"
                + " WHEN has_table_privilege(to_regclass(?::text), 'SELECT')"
                + " AND has_table_privilege(to_regclass(?::text), 'INSERT')"
                + " AND has_table_privilege(to_regclass(?::text), 'DELETE') THEN '' ELSE 'denied' END";
        String table = tables.invalidation;
        PostgresConnection.of(connection)
                .run(new Script().read(select, row -> found.add(row.getString(1)), table, table, table, table));
        return switch (found.get(0)) {
            case "missing" -> Optional.of("the primary has no table " + table + "; run:\n" + tables.invalidationSql());
            case "denied" -> Optional.of("SELECT, INSERT and DELETE on " + table + " are needed");
            default -> Optional.empty();
        };
    }

    @Override
    public void record(PrimaryConnection connection, String cache, Map<String, Version> changed) throws SQLException {
        List<Map.Entry<String, Version>> ordered = List.copyOf(new TreeMap<>(changed).entrySet());
        String insert = "INSERT INTO " + tables.invalidation + " (cache, key, version)"
                + " SELECT ?::text, s.key, s.version FROM unnest(?::text[], ?::bigint[]) AS s(key, version)";
        PostgresConnection.of(connection)
                .run(new Script()
                        .add(
                                insert,
                                cache,
                                Literals.array(ordered, Map.Entry::getKey),
                                Literals.array(
                                        ordered,
                                        entry -> Long.toString(entry.getValue().value()))));
    }

    @Override
    public void recordAll(PrimaryConnection connection, String cache) throws SQLException {
        record(connection, cache, Map.of("", Version.UNKNOWN));
    }

    @Override
    public boolean hasAny(PrimaryConnection connection, String cache) throws SQLException {
        List<Boolean> found = new ArrayList<>();
        String select = "SELECT EXISTS (SELECT 1 FROM " + tables.invalidation + " WHERE cache = ?::text)";
        PostgresConnection.of(connection).run(new Script().read(select, row -> found.add(row.getBoolean(1)), cache));
        return found.get(0);
    }

    @Override
    public List<Missed> take(PrimaryConnection connection, String cache, int limit, boolean waits) throws SQLException {
        String delete = "DELETE FROM " + tables.invalidation + " WHERE id = ANY (ARRAY(SELECT id FROM "
                + tables.invalidation + " WHERE cache = ?::text ORDER BY id LIMIT ?::integer FOR UPDATE"
                + (waits ? "" : " SKIP LOCKED") + ")) RETURNING key, version";
        List<Missed> taken = new ArrayList<>();
        PostgresConnection.of(connection)
                .run(new Script()
                        .read(
                                delete,
                                row -> {
                                    Version version = new Version(row.getLong(2));
                                    taken.add(new Missed(row.getString(1), version, version.isUnknown()));
                                },
                                cache,
                                Integer.toString(limit)));
        return taken;
    }
}
