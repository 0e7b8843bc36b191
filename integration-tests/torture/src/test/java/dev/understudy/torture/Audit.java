package dev.understudy.torture;

import dev.understudy.checkers.Copies.Commit;
import dev.understudy.checkers.LastWrites.Present;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What the primary has committed, in an order that is the right one for each row and each shard: triggers, and the drain itself, write it down
 * in the same transaction, drawing a number of one sequence while the row's or the shard's lock is held.
 */
public final class Audit {
    private static final String INSTALL = """
            CREATE TABLE audit (seq bigserial PRIMARY KEY, source text NOT NULL, id bigint NOT NULL, number bigint NOT NULL,
                version bigint NOT NULL, epoch bigint NOT NULL);
            CREATE FUNCTION audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' THEN
                    INSERT INTO audit (source, id, number, version, epoch) VALUES (TG_TABLE_NAME, OLD.id, 0, 0, 0);
                ELSE
                    INSERT INTO audit (source, id, number, version, epoch)
                        VALUES (TG_TABLE_NAME, NEW.id, NEW.number, NEW.us_version, 0);
                END IF;
                RETURN NULL;
            END $$
            """;
    private static final String SHARDS = "shards of ";

    private Audit() {}

    /** Creates the table, and triggers on those tables, whose rows have a version. */
    public static void install(Connection connection, List<String> tables) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(INSTALL);
            for (String table : tables) {
                statement.execute("CREATE TRIGGER audit_entry AFTER INSERT OR UPDATE OR DELETE ON " + table
                        + " FOR EACH ROW EXECUTE FUNCTION audit_entry()");
            }
        }
    }

    /** Writes down that the running transaction took shards of a cache, or writes to them, under these epochs. */
    static void shards(Connection connection, String cache, Map<Integer, Long> epochs) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement(
                "INSERT INTO audit (source, id, number, version, epoch) VALUES (?, ?, 0, 0, ?)")) {
            for (Map.Entry<Integer, Long> shard : epochs.entrySet()) {
                insert.setString(1, SHARDS + cache);
                insert.setLong(2, shard.getKey());
                insert.setLong(3, shard.getValue());
                insert.addBatch();
            }
            insert.executeBatch();
        }
    }

    /** Changes of rows, of all tables. */
    public static List<Commit> rowChanges(String jdbcUrl) throws SQLException {
        return commits(
                jdbcUrl, "SELECT source || id, number, version, 0, epoch FROM audit WHERE epoch = 0 ORDER BY seq");
    }

    /** Who took the shards of a cache and wrote to them. */
    public static List<Commit> shardChanges(String jdbcUrl, String cache) throws SQLException {
        return commits(
                jdbcUrl,
                "SELECT '', number, version, id, epoch FROM audit WHERE source = '" + SHARDS + cache
                        + "' ORDER BY seq");
    }

    private static List<Commit> commits(String jdbcUrl, String query) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(query)) {
            List<Commit> commits = new ArrayList<>();
            while (rows.next()) {
                commits.add(new Commit(
                        rows.getString(1), rows.getLong(3), rows.getLong(2), rows.getInt(4), rows.getLong(5)));
            }
            return commits;
        }
    }

    /** Forgets what was written down; nobody may write meanwhile. */
    public static void clear(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute("TRUNCATE audit");
        }
    }

    /** The rows, by key. */
    public static Map<String, Present> rows(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT id, number, us_version FROM entry")) {
            Map<String, Present> present = new HashMap<>();
            while (rows.next()) {
                present.put(rows.getString(1), new Present(rows.getLong(2), rows.getLong(3)));
            }
            return present;
        }
    }

    /** Of the keys whose rows were deleted lately, the highest version of a delete. */
    public static Map<String, Long> tombstones(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(
                        "SELECT key, max(version) FROM us_tombstone WHERE cache = 'entry' GROUP BY key")) {
            Map<String, Long> deleted = new HashMap<>();
            while (rows.next()) {
                deleted.put(rows.getString(1), rows.getLong(2));
            }
            return deleted;
        }
    }
}
