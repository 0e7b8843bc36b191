package dev.understudy.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EmbeddedPostgresIT {
    private static PostgresServer postgres;
    private static String url;

    @BeforeAll
    static void start() throws SQLException {
        postgres = PostgresServer.builder().setting("work_mem", "5MB").start();
        url = postgres.createDatabase("launcher");
        query(url, "create table t (id int primary key); select 1");
    }

    @AfterAll
    static void close() {
        Path folder = postgres.dataFolder();
        postgres.close();
        assertThat(folder).doesNotExist();
    }

    @ParameterizedTest
    @CsvSource({
        "fsync, on",
        "synchronous_commit, on",
        "full_page_writes, on",
        "wal_level, logical",
        "max_connections, 200",
        "listen_addresses, 127.0.0.1",
        "work_mem, 5MB"
    })
    void show_setting_isAsPromised(String name, String value) throws SQLException {
        assertThat(query(url, "show " + name)).isEqualTo(value);
    }

    @Test
    void kill_thenStart_keepsCommittedRows() throws SQLException {
        query(url, "insert into t values (1) returning id");

        postgres.kill();
        assertThatThrownBy(() -> query(url, "select 1")).isInstanceOf(SQLException.class);
        postgres.start();

        assertThat(query(url, "select count(*) from t where id = 1")).isEqualTo("1");
    }

    @Test
    void killAndStart_openTransaction_isRolledBack() throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            connection.setAutoCommit(false);
            statement.execute("insert into t values (2)");
            postgres.kill();
        } catch (SQLException closeOfALostConnection) {
            assertThat(closeOfALostConnection.getSQLState()).startsWith("08");
        }
        postgres.start();

        assertThat(query(url, "select count(*) from t where id = 2")).isEqualTo("0");
    }

    @Test
    void stopImmediate_thenStart_keepsCommittedRows() throws SQLException {
        query(url, "insert into t values (3) returning id");

        postgres.stopImmediate();
        postgres.start();

        assertThat(query(url, "select count(*) from t where id = 3")).isEqualTo("1");
    }

    @Test
    void restart_samePort_keepsRows() throws SQLException {
        query(url, "insert into t values (4) returning id");
        int port = postgres.port();

        postgres.restart();

        assertThat(postgres.port()).isEqualTo(port);
        assertThat(query(url, "select count(*) from t where id = 4")).isEqualTo("1");
    }

    @Test
    void pause_openAndNewConnections_hangUntilResume() throws SQLException {
        try (Connection connection = DriverManager.getConnection(url + "&socketTimeout=1");
                Statement statement = connection.createStatement()) {
            postgres.pause();
            assertThatThrownBy(() -> statement.execute("select 1")).isInstanceOf(SQLException.class);
        }
        assertThatThrownBy(() -> query(url + "&loginTimeout=1", "select 1")).isInstanceOf(SQLException.class);
        postgres.resume();

        assertThat(query(url, "select 1")).isEqualTo("1");
    }

    @Test
    void createDatabase_sameNameTwice_givesTwo() {
        assertThat(postgres.createDatabase("twin")).isNotEqualTo(postgres.createDatabase("twin"));
    }

    @Test
    void createDatabase_nameThatNeedsQuotes_isRefused() {
        assertThatThrownBy(() -> postgres.createDatabase("x; drop table t"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    static String query(String url, String sql) throws SQLException {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            boolean rows = statement.execute(sql);
            while (!rows) {
                rows = statement.getMoreResults();
            }
            try (ResultSet result = statement.getResultSet()) {
                result.next();
                return result.getString(1);
            }
        }
    }
}
