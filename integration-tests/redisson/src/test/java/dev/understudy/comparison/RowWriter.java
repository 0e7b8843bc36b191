package dev.understudy.comparison;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.redisson.api.map.MapWriter;

/** What Redisson calls to write: each call is one transaction that upserts or deletes the rows, in the order of their keys, so that none waits
 * for another in a circle. Thread-safe. */
final class RowWriter implements MapWriter<Long, Long> {
    static final String DDL =
            "CREATE TABLE entry (id bigint PRIMARY KEY, number bigint NOT NULL, us_version bigint NOT NULL)";

    /** Of one key the numbers of the writes rise: they are its versions. */
    private static final String UPSERT = """
            INSERT INTO entry (id, number, us_version) VALUES (?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET number = EXCLUDED.number, us_version = EXCLUDED.us_version""";

    private final String jdbcUrl;
    private final Runnable beforeCommit;

    /**
     * A writer to that database.
     *
     * @param beforeCommit runs in each upserting transaction when all rows are sent
     */
    RowWriter(String jdbcUrl, Runnable beforeCommit) {
        this.jdbcUrl = jdbcUrl;
        this.beforeCommit = beforeCommit;
    }

    @Override
    public void write(Map<Long, Long> rows) {
        try (Connection connection = connect();
                PreparedStatement upsert = connection.prepareStatement(UPSERT)) {
            for (Map.Entry<Long, Long> row : new TreeMap<>(rows).entrySet()) {
                upsert.setLong(1, row.getKey());
                upsert.setLong(2, row.getValue());
                upsert.setLong(3, row.getValue());
                upsert.addBatch();
            }
            upsert.executeBatch();
            beforeCommit.run();
            connection.commit();
        } catch (SQLException e) {
            throw new IllegalStateException("rows cannot be written", e);
        }
    }

    @Override
    public void delete(Collection<Long> keys) {
        try (Connection connection = connect();
                PreparedStatement delete = connection.prepareStatement("DELETE FROM entry WHERE id = ?")) {
            for (long key : new TreeSet<>(keys)) {
                delete.setLong(1, key);
                delete.addBatch();
            }
            delete.executeBatch();
            connection.commit();
        } catch (SQLException e) {
            throw new IllegalStateException("rows cannot be deleted", e);
        }
    }

    private Connection connect() throws SQLException {
        Connection connection = DriverManager.getConnection(jdbcUrl);
        connection.setAutoCommit(false);
        return connection;
    }
}
