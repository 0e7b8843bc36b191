package dev.understudy.torture;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Violation;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the primary has committed, written down by a trigger in the same transaction: the order of each row's changes. */
public final class Audit {
    /** Name in reports. */
    public static final String ORDER = "version order per row";

    private static final String INSTALL = """
            CREATE TABLE audit (seq bigserial PRIMARY KEY, id bigint NOT NULL, op text NOT NULL, number bigint NOT NULL,
                version bigint NOT NULL);
            CREATE FUNCTION audit_entry() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'DELETE' THEN
                    INSERT INTO audit (id, op, number, version) VALUES (OLD.id, TG_OP, OLD.number, OLD.us_version);
                ELSE
                    INSERT INTO audit (id, op, number, version) VALUES (NEW.id, TG_OP, NEW.number, NEW.us_version);
                END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER audit_entry AFTER INSERT OR UPDATE OR DELETE ON entry FOR EACH ROW EXECUTE FUNCTION audit_entry()
            """;

    private Audit() {}

    /**
     * A change.
     *
     * @param number of the row written, or of the row that was deleted
     * @param version of the row written, or of the row that was deleted
     */
    public record Change(String key, boolean isDelete, long number, long version) {}

    /**
     * A row as it is.
     *
     * @param number of the write
     */
    public record Present(long number, long version) {}

    /** Creates the trigger. */
    public static void install(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(INSTALL);
        }
    }

    /** All changes, in an order that is the right one for each row: the row's lock is held while its number in the sequence is drawn. */
    public static List<Change> changes(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT id, op, number, version FROM audit ORDER BY seq")) {
            List<Change> changes = new ArrayList<>();
            while (rows.next()) {
                changes.add(new Change(
                        rows.getString(1), rows.getString(2).equals("DELETE"), rows.getLong(3), rows.getLong(4)));
            }
            return changes;
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

    /**
     * Rows whose version did not rise with every upsert, also over a delete and the next insert; a batch that was applied again is such a
     * case.
     */
    public static List<Violation> order(List<Change> changes) {
        List<Violation> violations = new ArrayList<>();
        Map<String, Long> highest = new HashMap<>();
        for (Change change : changes) {
            long before = highest.getOrDefault(change.key(), Operation.NOTHING);
            if (!change.isDelete()) {
                if (change.version() <= before) {
                    violations.add(new Violation(
                            ORDER, change.key(), "version " + change.version() + " came after " + before, List.of()));
                }
                highest.merge(change.key(), change.version(), Math::max);
            }
        }
        return violations;
    }
}
