package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary.Use;
import dev.understudy.spi.Primary.Work;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How often a use of the primary waits for the server, counted on the wire, also when the driver has prepared its statements. */
class RoundTripsIT {
    private static final int USES = 12;
    private static final Version V10 = new Version(1_700_000_000_000_010L);
    private static final Duration LEASE = Duration.ofSeconds(10);
    private static Database database;
    private static PostgresTable<Long, Item> items;
    private static long versions;

    @BeforeAll
    static void createDatabase() {
        database = new Database("round_trips");
        database.execute("CREATE TABLE item (id bigint PRIMARY KEY, name text, amount int NOT NULL)");
        items = PostgresTable.of(Item.class, "item").key(Item::id).versioning(Versioning.column("us_version"));
        items.install(database.dataSource());
        database.primary().install();
        database.verified(items);
        database.commit(connection -> {
            database.primary().ledger().open(connection, "item", 4);
            return connection;
        });
    }

    @AfterAll
    static void close() {
        database.close();
    }

    private static Change<Long, Item> change(long id, String name, long version, Guard guard) {
        return new Change<>(id, Optional.of(new Item(id, name, 0)), new Version(V10.value() + version), guard);
    }

    /** Changes that are newer than all before. */
    private static List<Change<Long, Item>> changes(int count) {
        versions += 2;
        return LongStream.range(0, count)
                .mapToObj(id -> change(id, "n", versions, Guard.OLDER))
                .toList();
    }

    /** The round trips of each use of the work in turn, on one connection. */
    private static List<Integer> roundTrips(String options, Use use, Uses work) {
        List<Integer> found = new ArrayList<>();
        try (HikariDataSource pool = Database.pool(database.url() + CountingSockets.OPTIONS + options, 1);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            primary.call(Use.LOAD, Database.TIMEOUT, connection -> items.load(connection, List.of(1L)));
            for (int round = 0; round < USES; round++) {
                CountingSockets.roundTrips();
                primary.call(
                        use, Database.TIMEOUT, connection -> work.of(primary).on(connection));
                found.add(CountingSockets.roundTrips());
            }
        }
        return found;
    }

    @FunctionalInterface
    private interface Uses {
        Work<?> of(PostgresPrimary primary);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&prepareThreshold=1", "&prepareThreshold=0", "&stringtype=unspecified"})
    void write_isTwoRoundTrips_howeverOften(String options) {
        for (int count : new int[] {1, 50}) {
            assertThat(roundTrips(options, Use.COMMIT, primary -> connection -> {
                        primary.commitBefore(connection, Version.UNKNOWN.value());
                        return items.apply(connection, changes(count));
                    }))
                    .containsOnly(2);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&prepareThreshold=1", "&prepareThreshold=0", "&stringtype=unspecified"})
    void load_isOneRoundTrip_howeverOften(String options) {
        for (List<Long> keys : List.of(List.of(1L), List.of(1L, 2L))) {
            assertThat(roundTrips(options, Use.LOAD, primary -> connection -> items.load(connection, keys)))
                    .containsOnly(1);
        }
    }

    @Test
    void clockMicros_isOneRoundTrip_eachTime() {
        assertThat(roundTrips("", Use.LOAD, primary -> connection -> {
                    for (int i = 0; i < 2; i++) {
                        primary.clockMicros(connection);
                    }
                    return primary.clockMicros(connection);
                }))
                .containsOnly(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "&prepareThreshold=1", "&prepareThreshold=0", "&stringtype=unspecified"})
    void drain_isThreeRoundTrips_howeverOften(String options) {
        Map<Integer, Long> epochs = database.primary()
                .call(
                        Use.DRAIN,
                        Database.TIMEOUT,
                        connection ->
                                database.primary().ledger().claim(connection, "item", Set.of(0, 1, 2, 3), "me", LEASE));
        List<String> keys = LongStream.range(0, 50).mapToObj(Long::toString).toList();
        assertThat(roundTrips(options, Use.DRAIN, primary -> connection -> {
                    primary.ledger().fence(connection, "item", epochs, "me", LEASE, keys);
                    return items.apply(connection, changes(50));
                }))
                .containsOnly(3);
    }

    @Test
    void load_thatTakesTooLong_isEndedByTheServer_alsoWhenItsStatementsArePrepared() {
        try (HikariDataSource pool = Database.pool(database.url(), 1);
                PostgresPrimary primary = PostgresPrimary.on(pool).build()) {
            for (int round = 0; round < USES / 2; round++) {
                primary.call(Use.LOAD, Database.TIMEOUT, sleep("0"));
            }
            String before = primary.call(Use.LOAD, Database.TIMEOUT, sleep("0"));
            PrimaryFailure failure = catchThrowableOfType(
                    PrimaryFailure.class, () -> primary.call(Use.LOAD, Duration.ofSeconds(1), sleep("20")));
            assertThat(failure.sqlState()).isEqualTo("57014");
            assertThat(primary.call(Use.LOAD, Database.TIMEOUT, sleep("0"))).isEqualTo(before);
        }
    }

    /** Sleeps, and answers the server's process. */
    private static Work<String> sleep(String seconds) {
        return connection -> {
            StringBuilder process = new StringBuilder();
            PostgresConnection.of(connection)
                    .run(new Script()
                            .read(
                                    "SELECT pg_backend_pid()::text || pg_sleep(?::float8)::text",
                                    row -> process.append(row.getString(1)),
                                    seconds));
            return process.toString();
        };
    }

    @Test
    void longAnswers_beforeLongRequests_doNotStopTheConnection() {
        String name = "x".repeat(20_000);
        List<Change<Long, Item>> changes = new ArrayList<>();
        for (long id = 1_000; id < 2_000; id++) {
            changes.add(change(id, name, 0, Guard.NONE));
            changes.add(change(id + 1_000, name, 0, Guard.MISSING));
        }
        Map<Long, Applied<Item>> applied = database.commit(connection -> items.apply(connection, changes));
        assertThat(applied).hasSize(2_000);
    }
}
