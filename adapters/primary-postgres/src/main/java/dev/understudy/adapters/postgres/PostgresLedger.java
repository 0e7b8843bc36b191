package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.PrimaryConnection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The ledger in five tables (see {@link LedgerTables}). Thread-safe; the clock is the server's.
 *
 * <p>Shards are locked in the order of their numbers, tombstones in the order of their keys, by every transaction.
 */
final class PostgresLedger implements DrainLedger {
    /** Below {@code deadlock_timeout} (1 s): a drain that meets a locked row splits its batch instead of waiting. */
    static final int LOCK_TIMEOUT_MILLIS = 300;
    /** The most expired tombstones removed by one call. */
    private static final int PURGE_LIMIT = 100;

    private final LedgerTables tables;
    private final Duration retention;

    PostgresLedger(LedgerTables tables, Duration retention) {
        this.tables = tables;
        this.retention = retention;
    }

    LedgerTables tables() {
        return tables;
    }

    @Override
    public void open(PrimaryConnection connection, String cache, int shards) throws SQLException {
        PostgresConnection postgres = PostgresConnection.of(connection);
        requireTables(postgres);
        Set<Integer> found = new TreeSet<>();
        String select = "SELECT shard FROM " + tables.shard + " WHERE cache = ?::text";
        postgres.run(new Script().read(select, row -> found.add(row.getInt(1)), cache));
        boolean isOther =
                found.stream().anyMatch(shard -> shard >= shards) || (!found.isEmpty() && found.size() < shards);
        if (isOther) {
            throw new Invalid(
                    "cache " + cache + " has " + found.size() + " shards in " + tables.shard + ", not " + shards,
                    null,
                    Tier.PRIMARY);
        }
        if (found.isEmpty()) {
            String insert = "INSERT INTO " + tables.shard + " (cache, shard)"
                    + " SELECT ?::text, n FROM generate_series(0, ?::integer - 1) AS s(n) ORDER BY n ON CONFLICT DO NOTHING";
            postgres.run(new Script().add(insert, cache, Integer.toString(shards)));
        }
    }

    private void requireTables(PostgresConnection connection) throws SQLException {
        Map<String, String> wanted = new TreeMap<>(Map.of(
                tables.shard, tables.shardSql(),
                tables.tombstone, tables.tombstoneSql(),
                tables.deadLetter, tables.deadLetterSql(),
                tables.invalidation, tables.invalidationSql(),
                tables.drainer, tables.drainerSql()));
        List<String> names = List.copyOf(wanted.keySet());
        String missing = "SELECT t.name FROM unnest(?::text[]) AS t(name) WHERE to_regclass(t.name) IS NULL ORDER BY 1";
        List<String> absent = new ArrayList<>();
        connection.run(new Script().read(missing, row -> absent.add(row.getString(1)), Literals.array(names, n -> n)));
        if (!absent.isEmpty()) {
            StringBuilder message = new StringBuilder("the primary has no table ")
                    .append(String.join(", ", absent))
                    .append("; run:\n");
            absent.forEach(name -> message.append(wanted.get(name)).append('\n'));
            throw new Invalid(message.toString(), null, Tier.PRIMARY);
        }
    }

    @Override
    public Map<Integer, Long> claim(
            PrimaryConnection connection, String cache, Set<Integer> wanted, String owner, Duration lease)
            throws SQLException {
        String update = "UPDATE " + tables.shard + " AS t SET epoch = t.epoch + 1, owner = ?::text,"
                + " lease_until = clock_timestamp() + ?::interval FROM (SELECT f.shard FROM " + tables.shard
                + " AS f WHERE f.cache = ?::text AND f.shard = ANY (?::integer[])"
                + " AND (f.lease_until < clock_timestamp() OR f.owner = ?::text) ORDER BY f.shard FOR UPDATE SKIP LOCKED)"
                + " AS free WHERE t.cache = ?::text AND t.shard = free.shard RETURNING t.shard, t.epoch";
        Map<Integer, Long> claimed = new TreeMap<>();
        PostgresConnection.of(connection)
                .run(new Script()
                        .read(
                                update,
                                row -> claimed.put(row.getInt(1), row.getLong(2)),
                                owner,
                                interval(lease),
                                cache,
                                numbers(wanted),
                                owner,
                                cache));
        return claimed;
    }

    @Override
    public Set<Integer> fence(
            PrimaryConnection connection, String cache, Map<Integer, Long> epochs, String owner, Duration lease)
            throws SQLException {
        return fence(connection, cache, epochs, owner, lease, List.of()).shards();
    }

    /** {@inheritDoc} A shard that {@link #excludeDrain} holds is left out, so that the others do not wait for it. One round trip. */
    @Override
    public Fenced fence(
            PrimaryConnection connection,
            String cache,
            Map<Integer, Long> epochs,
            String owner,
            Duration lease,
            Collection<String> keys)
            throws SQLException {
        List<Map.Entry<Integer, Long>> held = List.copyOf(new TreeMap<>(epochs).entrySet());
        String[] match = {
            Literals.array(held, entry -> entry.getKey().toString()),
            Literals.array(held, entry -> entry.getValue().toString()),
            cache,
            owner
        };
        String mine =
                " JOIN unnest(?::integer[], ?::bigint[]) AS w(shard, epoch) ON t.shard = w.shard AND t.epoch = w.epoch"
                        + " WHERE t.cache = ?::text AND t.owner = ?::text";
        String lock = "SELECT t.shard FROM " + tables.shard + " AS t" + mine
                + " ORDER BY t.shard FOR UPDATE OF t SKIP LOCKED";
        // Renewed when a third is over, so that a busy drain does not write these rows in each of its transactions.
        String renew = "UPDATE " + tables.shard + " AS r SET lease_until = clock_timestamp() + ?::interval FROM (SELECT"
                + " t.shard FROM " + tables.shard + " AS t" + mine
                + " FOR UPDATE OF t SKIP LOCKED) AS m WHERE r.cache = ?::text AND r.shard = m.shard"
                + " AND r.lease_until < clock_timestamp() + ?::interval";
        PostgresConnection postgres = PostgresConnection.of(connection);
        postgres.tighten(lease.dividedBy(2), Duration.ofMillis(LOCK_TIMEOUT_MILLIS));
        Set<Integer> fenced = new TreeSet<>();
        String twoThirds = interval(lease.multipliedBy(2).dividedBy(3));
        Map<String, Version> found = new HashMap<>();
        postgres.run(new Script()
                .read(lock, row -> fenced.add(row.getInt(1)), match)
                .add(renew, interval(lease), match[0], match[1], match[2], match[3], cache, twoThirds)
                .add(tombstones(cache, keys, found)));
        return new Fenced(fenced, found);
    }

    /** {@inheritDoc} A shard that {@link #excludeDrain} holds keeps its lease, which ends by itself. */
    @Override
    public void release(PrimaryConnection connection, String cache, Map<Integer, Long> epochs, String owner)
            throws SQLException {
        List<Map.Entry<Integer, Long>> held = List.copyOf(new TreeMap<>(epochs).entrySet());
        String update =
                "UPDATE " + tables.shard + " AS t SET owner = '', lease_until = '-infinity' FROM (SELECT f.shard FROM "
                        + tables.shard + " AS f JOIN unnest(?::integer[], ?::bigint[]) AS w(shard, epoch)"
                        + " ON f.shard = w.shard AND f.epoch = w.epoch WHERE f.cache = ?::text AND f.owner = ?::text"
                        + " ORDER BY f.shard FOR UPDATE OF f SKIP LOCKED) AS mine WHERE t.cache = ?::text AND t.shard = mine.shard";
        PostgresConnection.of(connection)
                .run(new Script()
                        .add(
                                update,
                                Literals.array(held, entry -> entry.getKey().toString()),
                                Literals.array(held, entry -> entry.getValue().toString()),
                                cache,
                                owner,
                                cache));
    }

    /** {@inheritDoc} Rows of other owners that are locked at present are neither removed nor waited for. */
    @Override
    public int attend(PrimaryConnection connection, String cache, String owner, Duration lease) throws SQLException {
        int[] count = {0};
        PostgresConnection.of(connection)
                .run(new Script()
                        .add(
                                "INSERT INTO " + tables.drainer
                                        + " VALUES (?::text, ?::text, clock_timestamp() + ?::interval)"
                                        + " ON CONFLICT (cache, owner) DO UPDATE SET until = excluded.until",
                                cache,
                                owner,
                                interval(lease))
                        .add(
                                "DELETE FROM " + tables.drainer + " AS d USING (SELECT f.owner FROM " + tables.drainer
                                        + " AS f WHERE f.cache = ?::text AND f.until < clock_timestamp()"
                                        + " FOR UPDATE SKIP LOCKED) AS gone WHERE d.cache = ?::text AND d.owner = gone.owner",
                                cache,
                                cache)
                        .read(
                                "SELECT count(*) FROM " + tables.drainer
                                        + " WHERE cache = ?::text AND until >= clock_timestamp()",
                                row -> count[0] = row.getInt(1),
                                cache));
        return count[0];
    }

    @Override
    public void leave(PrimaryConnection connection, String cache, String owner) throws SQLException {
        PostgresConnection.of(connection)
                .run(new Script()
                        .add(
                                "DELETE FROM " + tables.drainer + " WHERE cache = ?::text AND owner = ?::text",
                                cache,
                                owner));
    }

    @Override
    public void excludeDrain(PrimaryConnection connection, String cache, Set<Integer> shards) throws SQLException {
        String select = "SELECT shard FROM " + tables.shard
                + " WHERE cache = ?::text AND shard = ANY (?::integer[]) ORDER BY shard FOR SHARE";
        Set<Integer> locked = new HashSet<>();
        PostgresConnection.of(connection)
                .run(new Script().read(select, row -> locked.add(row.getInt(1)), cache, numbers(shards)));
        if (!locked.containsAll(shards)) {
            throw new Invalid(
                    "cache " + cache + " has shards without a row in " + tables.shard + ": open its ledger first");
        }
    }

    @Override
    public void recordTombstones(PrimaryConnection connection, String cache, Map<String, Version> deleted)
            throws SQLException {
        if (deleted.isEmpty()) {
            return;
        }
        List<Map.Entry<String, Version>> ordered = List.copyOf(new TreeMap<>(deleted).entrySet());
        String insert = "INSERT INTO " + tables.tombstone + " AS t (cache, key, version)"
                + " SELECT ?::text, s.key, s.version FROM unnest(?::text[], ?::bigint[]) AS s(key, version)"
                + " ORDER BY s.key COLLATE \"C\" ON CONFLICT (cache, key) DO UPDATE"
                + " SET version = greatest(t.version, excluded.version), at = excluded.at";
        String purge =
                "DELETE FROM " + tables.tombstone + " WHERE ctid = ANY (ARRAY(SELECT ctid FROM " + tables.tombstone
                        + " WHERE at < clock_timestamp() - ?::interval ORDER BY at LIMIT " + PURGE_LIMIT
                        + " FOR UPDATE SKIP LOCKED))";
        PostgresConnection.of(connection)
                .run(new Script()
                        .add(
                                insert,
                                cache,
                                Literals.array(ordered, Map.Entry::getKey),
                                Literals.array(ordered, entry -> version(entry.getValue())))
                        .add(purge, interval(retention)));
    }

    @Override
    public Map<String, Version> tombstones(PrimaryConnection connection, String cache, Collection<String> keys)
            throws SQLException {
        Map<String, Version> found = new HashMap<>();
        PostgresConnection.of(connection).run(tombstones(cache, keys, found));
        return found;
    }

    private Script tombstones(String cache, Collection<String> keys, Map<String, Version> found) {
        String select =
                "SELECT key, version FROM " + tables.tombstone + " WHERE cache = ?::text AND key = ANY (?::text[])";
        return keys.isEmpty()
                ? new Script()
                : new Script()
                        .read(
                                select,
                                row -> found.put(row.getString(1), new Version(row.getLong(2))),
                                cache,
                                Literals.array(List.copyOf(keys), key -> key));
    }

    @Override
    public void recordDeadLetters(PrimaryConnection connection, String cache, List<DeadLetter> letters)
            throws SQLException {
        if (letters.isEmpty()) {
            return;
        }
        String insert =
                "INSERT INTO " + tables.deadLetter + " (cache, key, version, kind, base, payload, sqlstate, message)"
                        + " SELECT ?::text, s.* FROM unnest(?::text[], ?::bigint[], ?::text[], ?::bigint[], ?::bytea[], ?::text[],"
                        + " ?::text[]) AS s ON CONFLICT (cache, key, version) DO NOTHING";
        PostgresConnection.of(connection)
                .run(new Script()
                        .add(
                                insert,
                                cache,
                                Literals.array(letters, DeadLetter::key),
                                Literals.array(letters, letter -> version(letter.version())),
                                Literals.array(letters, letter -> letter.kind().name()),
                                Literals.array(letters, letter -> version(letter.base())),
                                Literals.array(letters, letter -> Literals.bytes(letter.payload())),
                                Literals.array(letters, DeadLetter::sqlState),
                                Literals.array(letters, DeadLetter::message)));
    }

    @Override
    public boolean isDead(PrimaryConnection connection, String cache, String key, Version version) throws SQLException {
        String select = "SELECT 1 FROM " + tables.deadLetter
                + " WHERE cache = ?::text AND key = ?::text AND version = ?::bigint";
        List<Integer> found = new ArrayList<>();
        PostgresConnection.of(connection)
                .run(new Script().read(select, row -> found.add(row.getInt(1)), cache, key, version(version)));
        return !found.isEmpty();
    }

    @Override
    public List<DeadLetter> deadLetters(PrimaryConnection connection, String cache, int limit) throws SQLException {
        String select = "SELECT key, version, kind, base, payload, sqlstate, message, at FROM " + tables.deadLetter
                + " WHERE cache = ?::text ORDER BY id LIMIT ?::integer";
        List<DeadLetter> letters = new ArrayList<>();
        PostgresConnection.of(connection)
                .run(new Script()
                        .read(
                                select,
                                row -> letters.add(new DeadLetter(
                                        row.getString(1),
                                        new Version(row.getLong(2)),
                                        EntryKind.valueOf(row.getString(3)),
                                        new Version(row.getLong(4)),
                                        row.getBytes(5),
                                        row.getString(6),
                                        row.getString(7),
                                        row.getObject(8, OffsetDateTime.class).toInstant())),
                                cache,
                                Integer.toString(Math.max(0, limit))));
        return letters;
    }

    @Override
    public boolean discard(PrimaryConnection connection, String cache, String key, Version version)
            throws SQLException {
        String delete = "DELETE FROM " + tables.deadLetter
                + " WHERE cache = ?::text AND key = ?::text AND version = ?::bigint RETURNING id";
        List<Long> removed = new ArrayList<>();
        PostgresConnection.of(connection)
                .run(new Script().read(delete, row -> removed.add(row.getLong(1)), cache, key, version(version)));
        return !removed.isEmpty();
    }

    private static String version(Version version) {
        return Long.toString(version.value());
    }

    private static String numbers(Set<Integer> shards) {
        return Literals.array(List.copyOf(new TreeSet<>(shards)), shard -> shard.toString());
    }

    private static String interval(Duration duration) {
        return duration.toMillis() + " milliseconds";
    }
}
