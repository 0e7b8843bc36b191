package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Conflict;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Two versions of an application run side by side on one table; the newer knows one column more. No value of any column is lost, whoever
 * writes and whoever drains. The long run takes {@code -Dunderstudy.soak} seconds, 5 unless given.
 */
class RollingDeployIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int KEYS = 20;

    @RegisterExtension
    final Instances instances = new Instances();

    /** The row as the older version knows it. */
    record Old(long id, String name, long amount) {}

    /** The row as the newer version knows it. */
    record New(long id, String name, long amount, String color, long tint) {
        New {
            Objects.requireNonNull(color);
        }

        New plusTint() {
            return new New(id, name, amount, color, tint + 1);
        }
    }

    @BeforeEach
    void createTable() {
        instances.sql().run("""
                CREATE TABLE lamp (id bigint PRIMARY KEY, name text NOT NULL, amount bigint NOT NULL,
                  color text NOT NULL DEFAULT 'none', tint bigint NOT NULL DEFAULT 0)""");
        instances.install(newTable().migrationSql());
    }

    private static PostgresTable<Long, New> newTable() {
        return PostgresTable.of(New.class, "lamp").key(New::id).versioning(COLUMN);
    }

    private static <K, V> Consumer<RepositoryBuilder<K, V>> back(Consumer<RepositoryBuilder.Back> more) {
        return settings -> settings.allowWriteBack(more);
    }

    private CachedRepository<Long, New> newer(Instance instance, Consumer<RepositoryBuilder.Back> more) {
        return instances.repository(instance, newTable(), back(more));
    }

    /** Opened after a newer one, whose columns the check after the test compares; closed by the test. */
    private CachedRepository<Long, Old> older(Instance instance, Consumer<RepositoryBuilder.Back> more) {
        return instances.repository(
                instance, PostgresTable.of(Old.class, "lamp").key(Old::id).versioning(COLUMN), back(more));
    }

    private String row(long id) {
        return instances
                .sql()
                .row("SELECT name, amount, color, tint FROM lamp WHERE id = " + id)
                .orElse("none");
    }

    @Test
    void olderWrite_overANewerPendingOne_keepsItsColumns() {
        CachedRepository<Long, New> newer = newer(instances.open(), back -> {});
        Instance leaving = instances.open();
        CachedRepository<Long, Old> older = older(leaving, back -> {});
        newer.pauseDrain();
        older.pauseDrain();
        newer.save(new New(1, "a", 1, "red", 7), Write.back());
        older.save(new Old(1, "b", 2), Write.back());
        older.update(1L, old -> new Old(1, old.name(), old.amount() + 1), Write.back());
        assertThat(newer.read(1L, Read.strong()).value()).contains(new New(1, "b", 3, "red", 7));
        newer.resumeDrain();
        assertThat(newer.drain(SOON)).isZero();
        assertThat(row(1)).isEqualTo("b|3|red|7");
        assertThat(instances.close(leaving, SOON)).hasValue(0);
    }

    @Test
    void olderWriteThrough_overANewerPendingOne_waitsUntilThatIsDrained() {
        CachedRepository<Long, New> newer = newer(instances.open(), back -> {});
        Instance leaving = instances.open();
        CachedRepository<Long, Old> older = older(leaving, back -> back.neverDrains());
        newer.pauseDrain();
        newer.save(new New(1, "a", 1, "red", 7), Write.back());
        Background<WriteReceipt> write = Background.begin(
                () -> older.save(new Old(1, "b", 2), Write.through().timeout(Duration.ofSeconds(8))));
        await().until(() -> instances.sql().number("SELECT count(*) FROM lamp") == 0
                && newer.lag().entries() == 1);
        newer.resumeDrain();
        write.end();
        assertThat(newer.drain(SOON)).isZero();
        assertThat(row(1)).isEqualTo("b|2|red|7");
        instances.close(leaving, SOON);
    }

    @Test
    void newerDrainer_ofAnOlderWrite_changesOnlyItsColumns() {
        instances.sql().run("INSERT INTO lamp (id, name, amount, color, tint) VALUES (1, 'a', 1, 'red', 7)");
        CachedRepository<Long, New> newer = newer(instances.open(), back -> {});
        Instance leaving = instances.open();
        CachedRepository<Long, Old> older = older(leaving, back -> back.neverDrains());
        newer.pauseDrain();
        older.save(new Old(1, "b", 2), Write.back());
        older.save(new Old(2, "c", 3), Write.back());
        newer.save(new New(3, "d", 4, "blue", 9), Write.back());
        newer.resumeDrain();
        assertThat(newer.drain(SOON)).isZero();
        assertThat(row(1)).isEqualTo("b|2|red|7");
        assertThat(row(2)).isEqualTo("c|3|none|0");
        assertThat(row(3)).isEqualTo("d|4|blue|9");
        assertThat(newer.find(2L)).contains(new New(2, "c", 3, "none", 0));
        instances.close(leaving, SOON);
    }

    @Test
    void newerReader_ofAnOlderPendingWrite_getsAllColumnsOnceItIsDrained() {
        instances.sql().run("INSERT INTO lamp (id, name, amount, color, tint) VALUES (1, 'a', 1, 'red', 7)");
        CachedRepository<Long, New> newer = newer(instances.open(), back -> back.neverDrains());
        Instance leaving = instances.open();
        CachedRepository<Long, Old> older = older(leaving, back -> back.delay(Duration.ofMillis(300)));
        older.save(new Old(1, "b", 2), Write.back());
        assertThat(newer.find(1L)).contains(new New(1, "b", 2, "red", 7));
        older.save(new Old(1, "c", 3), Write.back());
        assertThat(newer.read(1L, Read.strong()).value()).contains(new New(1, "c", 3, "red", 7));
        assertThat(instances.close(leaving, SOON)).hasValue(0);
    }

    @Test
    void olderDrainer_leavesNewerWritesToOthers_andShowsThem() {
        CachedRepository<Long, New> newer = newer(instances.open(), back -> back.neverDrains());
        Instance leaving = instances.open();
        CachedRepository<Long, Old> older = older(leaving, back -> {});
        newer.save(new New(1, "a", 1, "red", 7), Write.back());
        older.save(new Old(2, "b", 2), Write.back());
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(older.writeBackStatus().left()).isEqualTo(1));
        await().atMost(SOON).untilAsserted(() -> assertThat(row(2)).isEqualTo("b|2|none|0"));
        assertThat(row(1)).isEqualTo("none");
        assertThat(older.writeBackStatus().pending()).isEqualTo(1);
        assertThat(older.find(1L)).contains(new Old(1, "a", 1));
        CachedRepository<Long, New> draining = newer(instances.open(), back -> {});
        assertThat(draining.drain(SOON)).isZero();
        assertThat(row(1)).isEqualTo("a|1|red|7");
        await().atMost(SOON)
                .untilAsserted(() -> assertThat(older.writeBackStatus().left()).isZero());
        assertThat(instances.close(leaving, SOON)).hasValue(0);
    }

    @Test
    void deadLetter_ofTheNewerVersion_isListedWithoutItsValueByTheOlderAndNotRetried() {
        instances.sql().run("ALTER TABLE lamp ADD CONSTRAINT even CHECK (amount % 2 = 0)");
        CachedRepository<Long, New> newer = newer(instances.open(), back -> {});
        Instance leaving = instances.open();
        CachedRepository<Long, Old> older = older(leaving, back -> back.neverDrains());
        New refused = new New(1, "a", 1, "red", 7);
        newer.save(refused, Write.back());
        assertThat(newer.drain(SOON)).isZero();
        DeadLetter<Long, Old> blind = older.deadLetters(10).get(0);
        assertThat(blind.key()).isEqualTo(1L);
        assertThat(blind.sqlState()).isEqualTo("23514");
        assertThat(blind.value()).isEmpty();
        assertThat(blind.isDelete()).isFalse();
        instances.sql().run("ALTER TABLE lamp DROP CONSTRAINT even");
        assertThatThrownBy(() -> older.retry(blind)).isInstanceOf(Invalid.class);
        assertThat(row(1)).isEqualTo("none");
        DeadLetter<Long, New> letter = newer.deadLetters(10).get(0);
        assertThat(letter.value()).contains(refused);
        newer.retry(letter);
        assertThat(row(1)).isEqualTo("a|1|red|7");
        assertThat(older.deadLetters(10)).isEmpty();
        instances.close(leaving, SOON);
    }

    @Test
    void bothVersions_writingTheSameRows_loseNoColumn() {
        CachedRepository<Long, New> newer = newer(instances.open(), back -> {});
        CachedRepository<Long, New> another = newer(instances.open(), back -> {});
        Instance leaving = instances.open();
        CachedRepository<Long, Old> older = older(leaving, back -> {});
        for (long id = 1; id <= KEYS; id++) {
            newer.save(new New(id, "start", 0, "red", 0), Write.through());
        }
        Duration soak = Duration.ofSeconds(Long.getLong("understudy.soak", 5));
        long end = System.nanoTime() + soak.toNanos();
        Map<Long, Long> amounts = new ConcurrentHashMap<>();
        Map<Long, Long> tints = new ConcurrentHashMap<>();
        List<Background<Boolean>> writers = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            CachedRepository<Long, New> on = i == 0 ? newer : another;
            Write mode = (i == 0 ? Write.back() : Write.through()).timeout(SOON);
            writers.add(Background.begin(() -> until(end, id -> {
                on.update(id, New::plusTint, mode);
                tints.merge(id, 1L, Long::sum);
            })));
            Write olderMode = (i == 0 ? Write.back() : Write.through()).timeout(SOON);
            writers.add(Background.begin(() -> until(end, id -> {
                older.update(id, old -> new Old(id, old.name(), old.amount() + 1), olderMode);
                amounts.merge(id, 1L, Long::sum);
            })));
        }
        writers.add(Background.begin(() -> until(
                end,
                id -> older.update(
                        id,
                        old -> new Old(id, "n" + ThreadLocalRandom.current().nextInt(9), old.amount()),
                        Write.back().timeout(SOON)))));
        await().atMost(soak.plus(SOON)).until(() -> writers.stream().allMatch(Background::isDone));
        writers.forEach(Background::end);
        assertThat(newer.drain(SOON)).isZero();
        for (long id = 1; id <= KEYS; id++) {
            assertThat(instances.sql().row("SELECT amount, color, tint FROM lamp WHERE id = " + id))
                    .as("amount, color and tint of row %s", id)
                    .contains(amounts.getOrDefault(id, 0L) + "|red|" + tints.getOrDefault(id, 0L));
        }
        assertThat(amounts).hasSizeGreaterThan(KEYS / 2);
        assertThat(tints).hasSizeGreaterThan(KEYS / 2);
        assertThat(newer.writeBackStatus().dead()).isZero();
        assertThat(instances.close(leaving, SOON)).hasValue(0);
    }

    private static boolean until(long end, Consumer<Long> write) {
        while (System.nanoTime() < end) {
            try {
                write.accept(ThreadLocalRandom.current().nextLong(1, KEYS + 1));
            } catch (Conflict e) {
                // Others changed the row every time: nothing was written.
            } catch (DeadlineExceeded e) {
                // The same, until the deadline.
                assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            }
        }
        return true;
    }
}
