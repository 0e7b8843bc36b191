package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Version;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.Servers;
import dev.understudy.servers.TcpProxy;
import dev.understudy.spi.Change;
import dev.understudy.spi.Primary.Use;
import dev.understudy.spi.Primary.Work;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.PrimaryFailure.Kind;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said of failures: their kind, their outcome, and never a key or a value. */
class FailureIT {
    private static final String SECRET = "sesame";
    private static Database database;
    private static PostgresTable<Long, Note> notes;

    record Note(long id, String text, String json) {}

    @BeforeAll
    static void createDatabase() {
        database = new Database("failures");
        database.execute(
                "CREATE TABLE note (id bigint PRIMARY KEY, text text UNIQUE CHECK (text <> 'sesame'), json jsonb)");
        notes = database.verified(PostgresTable.of(Note.class, "note").key(Note::id));
    }

    @BeforeEach
    void emptyTable() {
        database.execute("TRUNCATE note");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    private static Change<Long, Note> save(long id, String text, String json) {
        return new Change<>(id, Optional.of(new Note(id, text, json)), Version.UNVERSIONED, Change.Guard.NONE);
    }

    private static PrimaryFailure failure(Work<?> work) {
        return failure(database.primary(), Database.TIMEOUT, work);
    }

    private static PrimaryFailure failure(PostgresPrimary primary, Duration timeout, Work<?> work) {
        return catchThrowableOfType(PrimaryFailure.class, () -> primary.call(Use.COMMIT, timeout, work));
    }

    private static Work<?> sql(String sql) {
        return connection -> {
            try (Statement statement = connection.unwrap(Connection.class).createStatement()) {
                return statement.execute(sql);
            }
        };
    }

    private static String everything(Throwable e) {
        StringWriter text = new StringWriter();
        e.printStackTrace(new PrintWriter(text, true));
        return text.toString();
    }

    @Test
    void failure_ofTheData_namesColumnsAndConstraintsAndNoValue() {
        database.commit(connection -> notes.apply(connection, List.of(save(1, "open " + SECRET, null))));
        PrimaryFailure unique =
                failure(connection -> notes.apply(connection, List.of(save(2, "open " + SECRET, null))));
        assertThat(unique.kind()).isEqualTo(Kind.DATA);
        assertThat(unique.sqlState()).isEqualTo("23505");
        assertThat(unique.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertThat(unique).hasMessageContaining("table note").hasMessageContaining("constraint note_text_key");
        PrimaryFailure check = failure(connection -> notes.apply(connection, List.of(save(2, SECRET, null))));
        assertThat(check.sqlState()).isEqualTo("23514");
        PrimaryFailure malformed = failure(connection -> notes.apply(connection, List.of(save(2, "a", SECRET))));
        assertThat(malformed.kind()).isEqualTo(Kind.DATA);
        assertThat(malformed.sqlState()).startsWith("22");
        assertThat(List.of(unique, check, malformed))
                .noneMatch(e -> everything(e).contains(SECRET));
    }

    @ParameterizedTest
    @CsvSource({
        "SELECT 1 FROM no_such_table, DEFINITION, 42P01",
        "SELECT no_such_column FROM note, DEFINITION, 42703",
        "SELECT pg_sleep(20), TRANSIENT, 57014",
        "SELECT 1 / 0, DATA, 22012",
        "'DO $$ BEGIN RAISE EXCEPTION SQLSTATE ''40001''; END $$', TRANSIENT, 40001",
        "'DO $$ BEGIN RAISE EXCEPTION SQLSTATE ''53100''; END $$', TRANSIENT, 53100",
        "'DO $$ BEGIN RAISE EXCEPTION SQLSTATE ''P0001''; END $$', DEFINITION, P0001",
        "'SET TRANSACTION READ ONLY; DELETE FROM note', TRANSIENT, 25006",
        "SELECT pg_terminate_backend(pg_backend_pid()), TRANSIENT, 57P01",
    })
    void failure_ofAStatement_isClassifiedBySqlState(String sql, Kind kind, String state) {
        PrimaryFailure failure = failure(database.primary(), Duration.ofSeconds(2), sql(sql));
        assertThat(failure.kind()).isEqualTo(kind);
        assertThat(failure.sqlState()).isEqualTo(state);
        assertThat(failure.outcome()).isEqualTo(Outcome.NOT_APPLIED);
    }

    @Test
    void failure_thatALibraryWraps_isThePrimarys() {
        PrimaryFailure failure = failure(connection -> {
            throw new IllegalStateException(SECRET, new SQLException(SECRET, "23505"));
        });
        assertThat(failure.kind()).isEqualTo(Kind.DATA);
        assertThat(everything(failure)).doesNotContain(SECRET);
    }

    @Test
    void failure_ofAForeignKeyAtCommit_isNotApplied() {
        database.execute(
                "CREATE TABLE IF NOT EXISTS reply (note bigint REFERENCES note DEFERRABLE INITIALLY DEFERRED)");
        PrimaryFailure failure = failure(sql("INSERT INTO reply VALUES (77)"));
        assertThat(failure.kind()).isEqualTo(Kind.DATA);
        assertThat(failure.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        PrimaryFailure withDeadline = failure(connection -> {
            sql("INSERT INTO reply VALUES (77)").on(connection);
            database.primary().commitBefore(connection, Version.UNKNOWN.value());
            return connection;
        });
        assertThat(withDeadline.sqlState()).isEqualTo("23503");
        assertThat(withDeadline.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        database.execute("DROP TABLE reply");
    }

    @Test
    void failure_thatTheWorkSwallows_stillDoesNotCommit() {
        for (boolean withDeadline : new boolean[] {false, true}) {
            PrimaryFailure failure = failure(connection -> {
                notes.apply(connection, List.of(save(1, "a", null)));
                assertThatThrownBy(() -> sql("SELECT 1 / 0").on(connection)).isInstanceOf(SQLException.class);
                if (withDeadline) {
                    database.primary().commitBefore(connection, Version.UNKNOWN.value());
                }
                return connection;
            });
            assertThat(failure.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            assertThat(database.query("SELECT id FROM note")).isEmpty();
        }
    }

    @Test
    void connection_lostWhileCommitting_isUnknown() {
        for (boolean withDeadline : new boolean[] {false, true}) {
            try (TcpProxy proxy = TcpProxy.to(Servers.shared().postgres());
                    HikariDataSource pool = Database.pool(proxy.jdbcUrl(database.url()), 2);
                    PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
                PrimaryFailure failure = failure(primary, Duration.ofSeconds(2), connection -> {
                    notes.apply(connection, List.of(save(1, "a", null)));
                    if (withDeadline) {
                        primary.commitBefore(connection, Version.UNKNOWN.value());
                    }
                    proxy.holdReplies();
                    return connection;
                });
                assertThat(failure.kind()).isEqualTo(Kind.TRANSIENT);
                assertThat(failure.outcome()).isEqualTo(Outcome.UNKNOWN);
                proxy.pass();
            }
        }
    }

    /** COMMIT reaches the server or not, and the connection breaks before its answer: the server is asked. */
    @ParameterizedTest
    @CsvSource({"true", "false"})
    void commit_withoutAnswer_isResolvedByTheServer(boolean arrives) {
        try (TcpProxy proxy = TcpProxy.to(Servers.shared().postgres());
                HikariDataSource pool = Database.pool(proxy.jdbcUrl(database.url()), 2);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            primary.verify();
            Work<String> work = connection -> {
                notes.apply(connection, List.of(save(1, "a", null)));
                if (arrives) {
                    proxy.holdReplies();
                } else {
                    proxy.blackhole();
                }
                CompletableFuture.runAsync(() -> {
                    if (arrives) {
                        Awaitility.await()
                                .until(() ->
                                        !database.query("SELECT id FROM note").isEmpty());
                    }
                    proxy.cut();
                    proxy.pass();
                });
                return "done";
            };
            if (arrives) {
                assertThat(primary.call(Use.COMMIT, Database.TIMEOUT, work)).isEqualTo("done");
                assertThat(database.query("SELECT id FROM note")).containsExactly("1");
            } else {
                PrimaryFailure failure = failure(primary, Database.TIMEOUT, work);
                assertThat(failure.outcome()).isEqualTo(Outcome.NOT_APPLIED);
                assertThat(database.query("SELECT id FROM note")).isEmpty();
            }
        }
    }

    /** The server crashes before COMMIT arrives, and gives the name of the transaction to one that does commit. */
    @Test
    void commit_lostInACrash_isNotTakenForTheTransactionThatGotItsName() {
        try (PostgresServer server = PostgresServer.builder()
                        .setting("wal_writer_delay", "10000")
                        .start();
                TcpProxy proxy = TcpProxy.to(server)) {
            String url = server.createDatabase("crash");
            Database.run(url, "CREATE TABLE note (id bigint PRIMARY KEY, text text, json jsonb)");
            try (HikariDataSource pool = Database.pool(proxy.jdbcUrl(url), 2);
                    PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
                primary.verify();
                PostgresTable<Long, Note> table = Database.verified(
                        primary, PostgresTable.of(Note.class, "note").key(Note::id));
                PrimaryFailure failure = failure(primary, Database.TIMEOUT, connection -> {
                    table.apply(connection, List.of(save(1, "a", null)));
                    long name = Long.parseLong(
                            PostgresConnection.of(connection).transactionId().orElseThrow());
                    proxy.blackhole();
                    CompletableFuture.runAsync(() -> {
                        server.kill();
                        server.start();
                        Awaitility.await()
                                .pollInterval(Duration.ofMillis(1))
                                .until(() -> Long.parseLong(Database.query(url, "SELECT pg_current_xact_id()")
                                                .get(0))
                                        >= name);
                        proxy.cut();
                        proxy.pass();
                    });
                    return "done";
                });
                assertThat(failure.outcome()).isEqualTo(Outcome.UNKNOWN);
                assertThat(Database.query(url, "SELECT id FROM note")).isEmpty();
            }
        }
    }

    @Test
    void network_thatIsSilent_endsTheCallInTime() {
        try (TcpProxy proxy = TcpProxy.to(Servers.shared().postgres());
                HikariDataSource pool = Database.pool(proxy.jdbcUrl(database.url()), 2);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            Database.verified(primary, notes);
            primary.call(Use.COMMIT, Database.TIMEOUT, held -> {
                Database.verified(primary, notes);
                return "";
            });
            assertThat(pool.getHikariPoolMXBean().getIdleConnections()).isEqualTo(2);
            // On a connection that was lent before, and then while the pool validates those that lie idle.
            for (Kind kind : List.of(Kind.TRANSIENT, Kind.NO_CONNECTION, Kind.NO_CONNECTION)) {
                long start = System.nanoTime();
                PrimaryFailure failure = failure(primary, Duration.ofSeconds(1), connection -> {
                    proxy.blackhole();
                    return notes.load(connection, List.of(1L));
                });
                assertThat(failure.kind()).isEqualTo(kind);
                assertThat(failure.outcome()).isEqualTo(Outcome.NOT_APPLIED);
                assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(4));
            }
            proxy.pass();
        }
    }

    @Test
    void server_thatRefuses_isNoConnection() {
        try (TcpProxy proxy = TcpProxy.to(Servers.shared().postgres());
                HikariDataSource pool = Database.pool(proxy.jdbcUrl(database.url()), 2);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            proxy.refuse();
            PrimaryFailure failure = failure(primary, Duration.ofMillis(500), connection -> "");
            assertThat(failure.kind()).isEqualTo(Kind.NO_CONNECTION);
            assertThat(failure.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        }
    }

    @Test
    void verify_ofAReadOnlyServer_refusesIt() {
        database.execute("CREATE ROLE reader_" + id() + " LOGIN PASSWORD 'x'; ALTER ROLE reader_" + id()
                + " SET default_transaction_read_only = on");
        try (HikariDataSource pool = Database.pool(Database.as(database.url(), "reader_" + id(), "x"), 1);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            assertThatThrownBy(primary::verify).isInstanceOf(Invalid.class).hasMessageContaining("read only");
        } finally {
            database.execute("DROP ROLE reader_" + id());
        }
    }

    private static String id() {
        return Integer.toHexString(database.url().hashCode());
    }

    @Test
    void lentConnection_keepsTheTransactionTheLibrarys() {
        database.commit(connection -> {
            Connection lent = connection.unwrap(Connection.class);
            assertThatThrownBy(lent::commit).isInstanceOf(Invalid.class);
            assertThatThrownBy(lent::rollback).isInstanceOf(Invalid.class);
            assertThatThrownBy(() -> lent.setAutoCommit(true)).isInstanceOf(Invalid.class);
            lent.setAutoCommit(false);
            lent.close();
            Savepoint savepoint = lent.setSavepoint();
            sql("INSERT INTO note VALUES (2)").on(connection);
            lent.rollback(savepoint);
            sql("INSERT INTO note VALUES (1)").on(connection);
            return notes.load(connection, List.of(1L));
        });
        assertThat(database.query("SELECT id FROM note")).containsExactly("1");
        assertThatThrownBy(() -> database.commit(connection -> connection.unwrap(Statement.class)))
                .isInstanceOf(Invalid.class);
    }
}
