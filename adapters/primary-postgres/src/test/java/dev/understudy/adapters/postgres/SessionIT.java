package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary;
import dev.understudy.spi.Primary.Use;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections: how many, for how long, with which settings, rights and statements. */
class SessionIT {
    private static final Version V10 = new Version(1_700_000_000_000_010L);
    private static Database database;
    private static PostgresTable<Long, Item> items;

    @BeforeAll
    static void createDatabase() {
        database = new Database("sessions");
        database.execute("CREATE TABLE item (id bigint PRIMARY KEY, name text, amount int NOT NULL)");
        items = PostgresTable.of(Item.class, "item")
                .key(Item::id)
                .versioning(Versioning.columnAndTrigger("us_version"));
        items.install(database.dataSource());
        database.primary().install();
        database.verified(items);
    }

    @BeforeEach
    void emptyTable() {
        database.execute("TRUNCATE item");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    private static Change<Long, Item> change(long id, Version version, Guard guard) {
        return new Change<>(id, Optional.of(new Item(id, "n" + id, 0)), version, guard);
    }

    private static String setting(PrimaryConnection connection, String name) throws SQLException {
        return setting(connection.unwrap(Connection.class), name);
    }

    private static String setting(Connection connection, String name) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("SELECT current_setting('" + name + "')")) {
            rows.next();
            return rows.getString(1);
        }
    }

    @ParameterizedTest
    @EnumSource
    void settings_ofATransaction_endWithIt(Use use) throws SQLException {
        List<String> names = List.of(
                "transaction_isolation", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout");
        try (HikariDataSource pool = Database.pool(database.url(), 1);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            List<String> before = new ArrayList<>();
            try (Connection connection = pool.getConnection()) {
                connection
                        .createStatement()
                        .execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE");
                for (String name : names) {
                    before.add(setting(connection, name));
                }
            }
            primary.call(use, Duration.ofSeconds(7), connection -> {
                assertThat(setting(connection, "transaction_isolation")).isEqualTo("read committed");
                assertThat(setting(connection, "statement_timeout")).matches("7s|\\d{4}ms");
                assertThat(setting(connection, "idle_in_transaction_session_timeout"))
                        .isNotEqualTo("0");
                assertThat(setting(connection, "lock_timeout")).isNotEqualTo("0");
                if (use == Use.DRAIN) {
                    assertThat(setting(connection, "lock_timeout")).isEqualTo("300ms");
                }
                return connection;
            });
            try (Connection connection = pool.getConnection()) {
                assertThat(connection.getAutoCommit()).isTrue();
                for (int i = 0; i < names.size(); i++) {
                    assertThat(setting(connection, names.get(i))).isEqualTo(before.get(i));
                }
            }
        }
    }

    @Test
    void fence_boundsHowLongAFrozenOwnerHoldsItsLocks() {
        database.commit(connection -> {
            database.primary().ledger().open(connection, "frozen", 4);
            return connection;
        });
        PostgresPrimary primary = database.primary();
        Map<Integer, Long> epochs = primary.call(
                Use.DRAIN,
                Database.TIMEOUT,
                connection -> primary.ledger().claim(connection, "frozen", Set.of(1), "me", Duration.ofSeconds(10)));
        primary.call(Use.DRAIN, Database.TIMEOUT, connection -> {
            primary.ledger().fence(connection, "frozen", epochs, "me", Duration.ofSeconds(10));
            assertThat(setting(connection, "idle_in_transaction_session_timeout"))
                    .isEqualTo("5s");
            assertThat(setting(connection, "lock_timeout")).isEqualTo("300ms");
            return connection;
        });
    }

    @Test
    void pool_ofOneConnection_servesAllUsesInTurn() throws Exception {
        try (HikariDataSource pool = Database.pool(database.url(), 1);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            for (Use use : Use.values()) {
                primary.call(use, Database.TIMEOUT, connection -> items.load(connection, List.of(1L)));
            }
            List<CompletableFuture<?>> calls = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                long id = i;
                Use use = Use.values()[i % 3];
                calls.add(CompletableFuture.runAsync(() -> primary.call(
                        use,
                        Database.TIMEOUT,
                        connection -> items.apply(connection, List.of(change(id, V10, Guard.NONE))))));
            }
            for (CompletableFuture<?> call : calls) {
                call.get();
            }
            primary.call(Use.COMMIT, Database.TIMEOUT, held -> {
                assertThatThrownBy(() -> primary.call(Use.LOAD, Duration.ofMillis(100), connection -> ""))
                        .isInstanceOfSatisfying(
                                PrimaryFailure.class,
                                e -> assertThat(e.kind()).isEqualTo(PrimaryFailure.Kind.NO_CONNECTION));
                return "";
            });
            assertThat(pool.getHikariPoolMXBean().getActiveConnections()).isZero();
        }
    }

    @Test
    void pool_thatTheApplicationUsesUp_failsWithinTheCallsTime() throws Exception {
        try (HikariDataSource pool = Database.pool(database.url(), 1);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            long start = System.nanoTime();
            try (Connection held = pool.getConnection()) {
                assertThat(held.isValid(1)).isTrue();
                assertThatThrownBy(() -> primary.call(Use.LOAD, Duration.ofMillis(200), connection -> ""))
                        .isInstanceOfSatisfying(
                                PrimaryFailure.class,
                                e -> assertThat(e.kind()).isEqualTo(PrimaryFailure.Kind.NO_CONNECTION));
            }
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
            primary.call(Use.LOAD, Database.TIMEOUT, connection -> items.load(connection, List.of(1L)));
            assertThat(pool.getHikariPoolMXBean().getActiveConnections()).isZero();
        }
    }

    /** As a pool does that has an idle connection when it is asked, and has lost it when one is taken. */
    private static final class LosingPool extends HikariDataSource {
        private volatile boolean loses;

        LosingPool(String url) {
            setJdbcUrl(url);
            setMaximumPoolSize(2);
        }

        @Override
        public Connection getConnection() throws SQLException {
            if (loses) {
                LockSupport.parkNanos(Duration.ofSeconds(8).toNanos());
                throw new SQLTransientConnectionException("no connection in the pool's own time");
            }
            return super.getConnection();
        }
    }

    @Test
    void pool_thatLosesItsIdleConnection_failsWithinTheCallsTime() {
        try (LosingPool pool = new LosingPool(database.url());
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            primary.call(Use.LOAD, Database.TIMEOUT, connection -> items.load(connection, List.of(1L)));
            assertThat(pool.getHikariPoolMXBean().getIdleConnections()).isPositive();
            pool.loses = true;
            long start = System.nanoTime();
            assertThatThrownBy(() -> primary.call(Use.LOAD, Duration.ofMillis(200), connection -> ""))
                    .isInstanceOf(PrimaryFailure.class);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
        }
    }

    @Test
    void drain_withADataSourceOfItsOwn_usesThatOnly() {
        try (HikariDataSource pool = Database.pool(database.url(), 1);
                HikariDataSource own = Database.pool(database.url() + "&ApplicationName=drain", 1);
                PostgresPrimary primary =
                        PostgresPrimary.on(pool).drainDataSource(own).build()) {
            primary.call(
                    Use.COMMIT,
                    Database.TIMEOUT,
                    held -> primary.call(Use.DRAIN, Database.TIMEOUT, drain -> {
                        assertThat(setting(drain, "application_name")).isEqualTo("drain");
                        return "";
                    }));
        }
    }

    @Test
    void apply_ofAThousandRows_isOneRoundTripWithOneUpsertBeforeCommit() {
        List<String> sent = new CopyOnWriteArrayList<>();
        try (PostgresPrimary primary =
                PostgresPrimary.on(recording(database.dataSource(), sent)).build()) {
            List<Change<Long, Item>> changes = LongStream.range(0, 1000)
                    .mapToObj(id -> change(id, V10, Guard.OLDER))
                    .toList();
            Map<Long, Applied<Item>> applied =
                    primary.call(Use.DRAIN, Database.TIMEOUT, connection -> items.apply(connection, changes));
            assertThat(applied).hasSize(1000);
            assertThat(sent).hasSize(2);
            assertThat(sent.get(0).split("INSERT INTO", -1)).hasSize(2);
            assertThat(sent.get(0)).doesNotContain("FOR UPDATE");
            sent.clear();
            primary.call(
                    Use.COMMIT,
                    Database.TIMEOUT,
                    connection ->
                            items.apply(connection, List.of(change(1, V10, Guard.NONE), change(2, V10, Guard.EXISTS))));
            assertThat(sent).hasSize(2);
            assertThat(sent.get(0).split("FOR UPDATE", -1)).hasSize(2);
            sent.clear();
            primary.call(Use.COMMIT, Database.TIMEOUT, connection -> {
                Map<Long, Applied<Item>> one = items.apply(connection, List.of(change(1, V10, Guard.NONE)));
                primary.commitBefore(connection, Version.UNKNOWN.value());
                return one;
            });
            assertThat(sent).hasSize(2);
            assertThat(sent.get(0)).doesNotContain("FOR UPDATE");
            assertThat(sent.get(1)).endsWith("COMMIT");
            sent.clear();
            primary.call(Use.LOAD, Database.TIMEOUT, connection -> items.load(connection, List.of(1L)));
            assertThat(sent).hasSize(1);
        }
    }

    /** Notes the text of each statement that is prepared; one text is one round trip. */
    private static DataSource recording(DataSource dataSource, List<String> sent) {
        return (DataSource) Proxy.newProxyInstance(
                SessionIT.class.getClassLoader(), new Class<?>[] {DataSource.class}, (proxy, method, arguments) -> {
                    Object result = call(dataSource, method, arguments);
                    if (!(result instanceof Connection connection)) {
                        return result;
                    }
                    return Proxy.newProxyInstance(
                            SessionIT.class.getClassLoader(),
                            new Class<?>[] {Connection.class},
                            (ignored, inner, innerArguments) -> {
                                if (inner.getName().equals("prepareStatement")) {
                                    sent.add((String) innerArguments[0]);
                                }
                                return call(connection, inner, innerArguments);
                            });
                });
    }

    private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @Test
    void apply_ofTheSameRowsInAnyOrder_neverDeadlocks() throws Exception {
        List<CompletableFuture<?>> writers = new ArrayList<>();
        for (int writer = 0; writer < 2; writer++) {
            boolean isReversed = writer == 1;
            writers.add(CompletableFuture.runAsync(() -> {
                for (int round = 0; round < 40; round++) {
                    long even = 2L * round + (isReversed ? 0 : 10_000);
                    List<Change<Long, Item>> changes = new ArrayList<>(LongStream.range(0, 60)
                            .mapToObj(id -> change(id, new Version(V10.value() + even), Guard.NONE))
                            .toList());
                    if (isReversed) {
                        Collections.reverse(changes);
                    }
                    database.commit(connection -> items.apply(connection, changes));
                }
            }));
        }
        for (CompletableFuture<?> writer : writers) {
            writer.get();
        }
        assertThat(database.query("SELECT count(*) FROM item")).containsExactly("60");
    }

    @Test
    void role_withoutCreate_canDoEverythingButInstall() {
        String role = "writer_" + Integer.toHexString(database.url().hashCode());
        database.execute("CREATE ROLE " + role + " LOGIN PASSWORD 'x'; REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
                + "GRANT SELECT, INSERT, UPDATE, DELETE ON item, us_shard, us_tombstone, us_dead_letter, us_invalidation TO "
                + role);
        try (HikariDataSource pool = Database.pool(Database.as(database.url(), role, "x"), 4);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            primary.verify();
            PostgresTable<Long, Item> own = Database.verified(
                    primary,
                    PostgresTable.of(Item.class, "item")
                            .key(Item::id)
                            .versioning(Versioning.columnAndTrigger("us_version")));
            primary.call(Use.COMMIT, Database.TIMEOUT, connection -> {
                primary.ledger().open(connection, "of_role", 2);
                primary.ledger().excludeDrain(connection, "of_role", Set.of(0));
                primary.ledger().recordTombstones(connection, "of_role", Map.of("1", V10));
                return own.apply(connection, List.of(change(1, V10, Guard.NONE), change(2, V10, Guard.MISSING)));
            });
            Map<Integer, Long> epochs = primary.call(
                    Use.DRAIN,
                    Database.TIMEOUT,
                    connection ->
                            primary.ledger().claim(connection, "of_role", Set.of(0), "me", Duration.ofSeconds(15)));
            primary.call(Use.DRAIN, Database.TIMEOUT, connection -> {
                assertThat(primary.ledger().fence(connection, "of_role", epochs, "me", Duration.ofSeconds(15)))
                        .containsExactly(0);
                return own.apply(
                        connection,
                        List.of(new Change<>(1L, Optional.empty(), new Version(V10.value() + 2), Guard.OLDER)));
            });
            assertThatThrownBy(() ->
                            PostgresPrimary.on(pool).ledgerPrefix("no_").build().install())
                    .isInstanceOfSatisfying(PrimaryFailure.class, e -> {
                        assertThat(e.kind()).isEqualTo(PrimaryFailure.Kind.DEFINITION);
                        assertThat(e).hasMessageContaining("permission denied for schema public");
                    });
        } finally {
            database.execute("DROP OWNED BY " + role + "; DROP ROLE " + role);
        }
        assertThat(database.query("SELECT id FROM item")).containsExactly("2");
    }

    /**
     * A write-through that supersedes a pending write leaves its stamped version in the queue. In an upsert the trigger would stamp it anew before
     * it is compared, and the older row would replace the newer one.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void drain_ofAStampedVersion_doesNotReplaceANewerRow(int rows) {
        long stamped = (System.currentTimeMillis() * 1000 - 60_000_000) | 1;
        Version older = new Version(stamped);
        Version newer = new Version(stamped + 1);
        List<Change<Long, Item>> changes = LongStream.rangeClosed(1, rows)
                .mapToObj(id -> change(id, newer, Guard.NONE))
                .toList();
        database.commit(connection -> items.apply(connection, changes));
        database.execute("UPDATE item SET name = 'newer', us_version = us_version + 2");

        Map<Long, Applied<Item>> drained = database.commit(connection -> items.apply(
                connection,
                LongStream.rangeClosed(1, rows + 1)
                        .mapToObj(id -> change(id, older, Guard.OLDER))
                        .toList()));

        assertThat(database.query(
                        "SELECT id || '|' || name || '|' || us_version FROM item WHERE name = 'newer' ORDER BY id"))
                .containsExactlyElementsOf(LongStream.rangeClosed(1, rows)
                        .mapToObj(id -> id + "|newer|" + (newer.value() + 2))
                        .toList());
        assertThat(drained.get(1L)).isEqualTo(new Applied.Refused<>(new Version(newer.value() + 2)));
        assertThat(drained.get(rows + 1L)).isInstanceOf(Applied.Stored.class);
    }

    @Test
    void trigger_ordersWritersThatGoAroundTheLibrary() {
        Primary primary = database.primary();
        assertThat(primary).isNotNull();
        long now = System.currentTimeMillis() * 1000;
        database.execute("INSERT INTO item (id, name, amount) VALUES (1, 'a', 0)");
        long stamped = version(1);
        assertThat(stamped % 2).isOne();
        assertThat(stamped).isBetween(now - 60_000_000, now + 60_000_000);
        database.execute("UPDATE item SET name = 'b' WHERE id = 1");
        assertThat(version(1)).isGreaterThan(stamped).matches(version -> version % 2 == 1);
        long before = version(1);
        for (String refused : List.of(
                "1",
                "0",
                String.valueOf(before),
                String.valueOf((now + 90_000_000_000L) / 2 * 2),
                String.valueOf((now + 3_600_000_000L) | 1),
                String.valueOf(V10.value()))) {
            database.execute("UPDATE item SET us_version = " + refused + " WHERE id = 1");
            assertThat(version(1))
                    .isGreaterThan(before)
                    .matches(version -> version % 2 == 1)
                    .isLessThan(now + 60_000_000);
            before = version(1);
        }
        long accepted = (now + 3_600_000_000L) / 2 * 2;
        database.execute("UPDATE item SET us_version = " + accepted + " WHERE id = 1");
        assertThat(version(1)).isEqualTo(accepted);
        database.execute("UPDATE item SET name = 'c' WHERE id = 1");
        assertThat(version(1)).isEqualTo(accepted + 1);
        database.execute("INSERT INTO item (id, name, amount, us_version) VALUES (2, 'a', 0, 42), (3, 'a', 0, 43)");
        assertThat(version(2)).isEqualTo(42);
        assertThat(version(3)).isGreaterThan(now - 60_000_000).matches(version -> version % 2 == 1);
    }

    private static long version(long id) {
        return Long.parseLong(
                database.query("SELECT us_version FROM item WHERE id = " + id).get(0));
    }
}
