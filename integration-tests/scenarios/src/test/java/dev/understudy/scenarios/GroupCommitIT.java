package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.CachedRepository;
import dev.understudy.model.Conflict;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.Primary;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Saves of many callers share transactions, and one caller's trouble stays his own. */
class GroupCommitIT {
    private static final int CALLERS = 16;
    private static final String GROUP_COMMIT = "dev.understudy.engine.GroupCommit";

    private static final Duration LONG = Duration.ofSeconds(8);

    @RegisterExtension
    final Instances instances = new Instances();

    static Stream<Versioning> versionings() {
        return Stream.of(Versioning.none(), Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"));
    }

    static Stream<Arguments> pools() {
        return Stream.concat(
                versionings().map(versioning -> Arguments.of(versioning, Instance.CONNECTIONS)),
                Stream.of(Arguments.of(Versioning.column("us_version"), 4)));
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void saves_thatArriveDuringACommit_travelInOneTransaction(Versioning versioning) {
        instances.createItems(versioning);
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, versioning);
        List<Background<?>> calls = new ArrayList<>();
        List<Gate> lanes = occupyLanes(instance, items, calls);
        List<Background<?>> gathered = saves(items, CALLERS);
        Background.awaitWaitingIn(GROUP_COMMIT, gathered);
        // One lane only: with two, the second could take the last of those who wait into a transaction of his own.
        lanes.get(0).open();
        gathered.forEach(Background::end);
        lanes.get(1).open();
        calls.forEach(Background::end);
        assertThat(items.counters().groupedCommits.sum()).isEqualTo(1);
        assertThat(items.counters().throughWrites.sum()).isEqualTo(2 + CALLERS);
        if (versioning.isVersioned()) {
            assertThat(instances.sql().number("SELECT count(DISTINCT xmin::text) FROM item WHERE id >= 2"))
                    .isEqualTo(1);
        }
    }

    /** Saves so many rows from 2 on, each from a thread of its own. */
    private static List<Background<?>> saves(CachedRepository<Long, Item> items, int count) {
        List<Background<?>> saves = new ArrayList<>();
        for (long id = 2; id < 2 + count; id++) {
            long own = id;
            saves.add(Background.begin(() -> items.save(Item.of(own, 1))));
        }
        return saves;
    }

    /** Saves the rows 0 and 1, each in a transaction that is held before its commit. */
    private static List<Gate> occupyLanes(
            Instance instance, CachedRepository<Long, Item> items, List<Background<?>> calls) {
        List<Gate> gates = new ArrayList<>();
        for (long id = 0; id < 2; id++) {
            long own = id;
            Gate gate = instance.primary().holdNextCommit(Primary.Use.COMMIT);
            calls.add(Background.begin(() -> items.save(Item.of(own, 1))));
            gate.awaitArrival();
            gates.add(gate);
        }
        return gates;
    }

    @Test
    void writesOfOneKey_ofManyCallers_areAllMadeInTurn() {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        CachedRepository<Long, Item> items = instances.items(instances.open(), versioning);
        items.save(Item.of(1, 0));
        AtomicLong conflicts = new AtomicLong();
        Write patient = Write.through().timeout(Duration.ofSeconds(10));
        List<Background<?>> calls = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            calls.add(Background.begin(() -> {
                for (int i = 0; i < 20; i++) {
                    try {
                        items.update(1L, item -> item.plus(1), patient);
                    } catch (Conflict e) {
                        conflicts.incrementAndGet();
                    }
                }
                return true;
            }));
        }
        calls.forEach(Background::end);
        assertThat(items.read(1L, Read.strong()).value()).contains(Item.of(1, 20 * CALLERS - conflicts.get()));
    }

    @Test
    void rows_thatAreRefused_failTheirOwnCallerOnly() {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        instances.sql().run("ALTER TABLE item ADD CHECK (amount <> 13)");
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, versioning);
        items.save(Item.of(100, 1));
        List<Background<?>> calls = new ArrayList<>();
        List<Gate> lanes = occupyLanes(instance, items, calls);
        List<Background<?>> saves = saves(items, 8);
        Background<?> exists = Background.begin(() -> items.insert(Item.of(100, 2)));
        Background<?> stale = Background.begin(
                () -> items.save(Item.of(101, 2), Write.through().ifVersion(new Version(4))));
        Background<?> poison = Background.begin(() -> items.save(Item.of(102, 13)));
        List<Background<?>> all = new ArrayList<>(saves);
        all.addAll(List.of(exists, stale, poison));
        Background.awaitWaitingIn(GROUP_COMMIT, all);
        lanes.forEach(Gate::open);
        calls.forEach(Background::end);
        saves.forEach(Background::end);
        assertThatThrownBy(exists::end).isInstanceOf(Conflict.class);
        assertThatThrownBy(stale::end).isInstanceOf(Conflict.class);
        assertThatThrownBy(poison::end)
                .isInstanceOfSatisfying(
                        Invalid.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
        assertThat(instances.sql().number("SELECT count(*) FROM item")).isEqualTo(11);
        assertThat(items.find(101L)).isEmpty();
        assertThat(items.find(102L)).isEmpty();
        assertThat(items.find(100L)).contains(Item.of(100, 1));
    }

    @Test
    void row_thatCommitRefuses_failsItsOwnCallerOnly() {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        instances.sql().run("CREATE TABLE parent (id bigint PRIMARY KEY); INSERT INTO parent VALUES (1)");
        instances
                .sql()
                .run("ALTER TABLE item ADD FOREIGN KEY (amount) REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED");
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, versioning);
        List<Background<?>> calls = new ArrayList<>();
        List<Gate> lanes = occupyLanes(instance, items, calls);
        List<Background<?>> saves = saves(items, 8);
        Background<?> orphan = Background.begin(() -> items.save(Item.of(102, 13)));
        List<Background<?>> all = new ArrayList<>(saves);
        all.add(orphan);
        Background.awaitWaitingIn(GROUP_COMMIT, all);
        // One lane only, so that all are in one transaction.
        lanes.get(0).open();
        saves.forEach(Background::end);
        lanes.get(1).open();
        calls.forEach(Background::end);
        assertThatThrownBy(orphan::end)
                .isInstanceOfSatisfying(
                        UnderstudyException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
        assertThat(items.counters().splitCommits.sum()).isEqualTo(9);
        assertThat(instances.sql().number("SELECT count(*) FROM item")).isEqualTo(10);
        assertThat(items.find(102L)).isEmpty();
        assertThat(items.read(102L, Read.strong()).value()).isEmpty();
    }

    /** A stranger holds a row for {@code -Dunderstudy.soak} seconds (8 by hand). */
    @ParameterizedTest
    @MethodSource("pools")
    void row_thatAStrangerLocks_delaysItsOwnCallerOnly(Versioning versioning, int connections) throws SQLException {
        instances.createItems(versioning);
        Instance instance = instances.open(connections);
        CachedRepository<Long, Item> items = instances.items(instance, versioning);
        for (long id = 0; id < CALLERS; id++) {
            items.save(Item.of(id, 0));
        }
        Duration held = Duration.ofSeconds(Integer.getInteger("understudy.soak", 2));
        long end;
        List<Background<List<Long>>> calls = new ArrayList<>();
        Background<Optional<UnderstudyException>> blocked;
        try (Connection stranger = DriverManager.getConnection(instances.jdbcUrl());
                Statement statement = stranger.createStatement()) {
            stranger.setAutoCommit(false);
            statement.execute("SELECT * FROM item WHERE id = 0 FOR UPDATE");
            end = System.nanoTime() + held.toNanos();
            blocked = Background.begin(() -> failure(items, held.plusSeconds(10)));
            for (long id = 1; id < CALLERS; id++) {
                long own = id;
                calls.add(Background.begin(() -> saveUntil(items, own, end)));
            }
            Optional<UnderstudyException> late = failure(items, Duration.ofMillis(300));
            assertThat(late)
                    .get()
                    .isInstanceOfSatisfying(
                            DeadlineExceeded.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
            List<Long> nanos = new ArrayList<>();
            calls.forEach(call -> nanos.addAll(call.end()));
            nanos.sort(null);
            long p99 = nanos.get((int) (nanos.size() * 0.99));
            System.out.println(versioning + ", " + connections + " connections, row locked for " + held.toMillis()
                    + " ms: " + nanos.size() + " saves of others, p99 " + p99 / 1_000 + " us, slowest "
                    + nanos.get(nanos.size() - 1) / 1_000 + " us");
            // The promise is a second of eight; in a short run the slowest of a hundred stands for the p99.
            Duration limit = held.compareTo(LONG) < 0 ? held.multipliedBy(3).dividedBy(4) : Duration.ofSeconds(1);
            assertThat(Duration.ofNanos(p99)).isLessThan(limit);
            assertThat(blocked.isDone()).isFalse();
            stranger.rollback();
        }
        assertThat(blocked.end()).isEmpty();
        assertThat(items.find(0L)).contains(Item.of(0, 7));
    }

    private static Optional<UnderstudyException> failure(CachedRepository<Long, Item> items, Duration timeout) {
        try {
            items.save(Item.of(0, 7), Write.through().timeout(timeout));
            return Optional.empty();
        } catch (UnderstudyException e) {
            return Optional.of(e);
        }
    }

    private static List<Long> saveUntil(CachedRepository<Long, Item> items, long id, long end) {
        List<Long> nanos = new ArrayList<>();
        for (long before = System.nanoTime(); before < end; before = System.nanoTime()) {
            items.save(Item.of(id, nanos.size()));
            nanos.add(System.nanoTime() - before);
        }
        return nanos;
    }
}
