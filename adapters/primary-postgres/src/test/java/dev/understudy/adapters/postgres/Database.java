package dev.understudy.adapters.postgres;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.servers.Servers;
import dev.understudy.spi.Primary.Use;
import dev.understudy.spi.Primary.Work;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A database of a test class's own, with a primary on it. Thread-safe. */
final class Database implements AutoCloseable {
    static final Duration TIMEOUT = Duration.ofSeconds(20);

    private final String url;
    private final HikariDataSource dataSource;
    private final PostgresPrimary primary;

    Database(String name) {
        url = Servers.shared().postgres().createDatabase(name);
        dataSource = pool(url, 8);
        primary = PostgresPrimary.on(dataSource).build();
    }

    static HikariDataSource pool(String url, int size) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(url);
        config.setMaximumPoolSize(size);
        config.setMinimumIdle(0);
        return new HikariDataSource(config);
    }

    /** The URL for another user. */
    static String as(String url, String user, String password) {
        return url.substring(0, url.indexOf('?')) + "?user=" + user + "&password=" + password;
    }

    String url() {
        return url;
    }

    HikariDataSource dataSource() {
        return dataSource;
    }

    PostgresPrimary primary() {
        return primary;
    }

    <T> T commit(Work<T> work) {
        return primary.call(Use.COMMIT, TIMEOUT, work);
    }

    <T> T load(Work<T> work) {
        return primary.call(Use.LOAD, TIMEOUT, work);
    }

    /** Verifies a table and gives it back. */
    <K, V> PostgresTable<K, V> verified(PostgresTable<K, V> table) {
        return verified(primary, table);
    }

    static <K, V> PostgresTable<K, V> verified(PostgresPrimary primary, PostgresTable<K, V> table) {
        return primary.call(Use.LOAD, TIMEOUT, connection -> {
            table.verify(connection);
            return table;
        });
    }

    /** Runs statements as the owner of the database, outside the library. */
    void execute(String sql) {
        run(url, sql);
    }

    /** The first column of a query's rows. */
    List<String> query(String sql) {
        return query(url, sql);
    }

    static void run(String url, String sql) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql + ": " + e.getMessage(), e);
        }
    }

    static List<String> query(String url, String sql) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            List<String> found = new ArrayList<>();
            while (rows.next()) {
                found.add(rows.getString(1));
            }
            return found;
        } catch (SQLException e) {
            throw new IllegalStateException(sql + ": " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        primary.close();
        dataSource.close();
    }
}
