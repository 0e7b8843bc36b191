package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Invalid;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Rows that refer to rows of another repository, while both are pending. */
class ParentChildIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Duration SOON = Duration.ofSeconds(20);

    @RegisterExtension
    final Instances instances = new Instances();

    record Line(long id, long item) {}

    private static PostgresTable<Long, Line> lines() {
        return PostgresTable.of(Line.class, "line").key(Line::id).versioning(COLUMN);
    }

    @BeforeEach
    void createTables() {
        instances.createItems(COLUMN);
        instances.sql().run("CREATE TABLE line (id bigint PRIMARY KEY, item bigint NOT NULL REFERENCES item)");
        instances.sql().run(lines().migrationSql());
    }

    @Test
    void child_ofAPendingParent_waitsForIt() {
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, COLUMN);
        CachedRepository<Long, Line> lines =
                instances.repository(instance, lines(), settings -> settings.allowWriteBack(back -> {}));
        items.pauseDrain();
        items.save(Item.of(1, 1), Write.back());
        lines.save(new Line(7, 1), Write.back());
        await().atMost(SOON)
                .until(() -> instance.statements().upserts("line").size() >= 2
                        || lines.writeBackStatus().dead() > 0);
        assertThat(lines.writeBackStatus().dead()).isZero();
        assertThat(lines.lag().entries()).isEqualTo(1);
        items.resumeDrain();
        assertThat(lines.drain(SOON)).isZero();
        assertThat(instances.sql().rows("SELECT id, item FROM line")).containsExactly("7|1");
    }

    @Test
    void child_whoseParentNeverComes_isBuriedAfterTheWait() {
        Instance instance = instances.open();
        CachedRepository<Long, Line> lines = instances.repository(
                instance,
                lines(),
                settings -> settings.allowWriteBack(back -> back.parentWait(Duration.ofMillis(300))));
        lines.save(new Line(7, 1), Write.back());
        assertThat(lines.drain(SOON)).isZero();
        assertThat(lines.deadLetters(10))
                .singleElement()
                .satisfies(letter -> assertThat(letter.sqlState()).isEqualTo("23503"));
        assertThat(instances.sql().rows("SELECT id FROM line")).isEmpty();
    }

    private record Pair(Instance instance, CachedRepository<Long, Item> items, CachedRepository<Long, Line> lines) {
        void pause() {
            items.pauseDrain();
            lines.pauseDrain();
        }

        void drain() {
            items.resumeDrain();
            lines.resumeDrain();
            assertThat(lines.drain(SOON)).isZero();
            assertThat(items.drain(SOON)).isZero();
        }
    }

    /** Both repositories, the drains paused. */
    private Pair open(boolean isGroup) {
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, COLUMN);
        CachedRepository<Long, Line> lines =
                instances.repository(instance, lines(), settings -> settings.allowWriteBack(back -> {}));
        Pair pair = new Pair(instance, items, lines);
        if (isGroup) {
            instance.understudy().group(items, lines);
        }
        pair.pause();
        return pair;
    }

    @Test
    void group_parentsAndChildrenPending_areInsertedByOneTransaction() {
        Pair pair = open(true);
        for (long id = 1; id <= 100; id++) {
            pair.lines().save(new Line(id, id), Write.back());
            pair.items().save(Item.of(id, 1), Write.back());
        }
        pair.drain();
        assertThat(instances
                        .sql()
                        .number("SELECT count(DISTINCT item.xmin::text) FROM item JOIN line ON line.item = item.id"
                                + " WHERE line.xmin = item.xmin"))
                .isEqualTo(1);
        assertThat(instances
                        .sql()
                        .number("SELECT count(*) FROM item JOIN line ON line.xmin = item.xmin AND line.item = item.id"))
                .isEqualTo(100);
        assertThat(pair.instance().statements().upserts("line"))
                .as("no child was tried before its parent")
                .hasSize(1);
    }

    @Test
    void group_parentsAndChildrenDeleted_childrenGoFirst() {
        Pair pair = open(true);
        pair.drain();
        for (long id = 1; id <= 20; id++) {
            pair.items().save(Item.of(id, 1));
            pair.lines().save(new Line(id, id));
        }
        instances
                .sql()
                .run("CREATE TABLE gone (what text, at bigint DEFAULT txid_current(), n serial);"
                        + " CREATE FUNCTION gone() RETURNS trigger LANGUAGE plpgsql AS"
                        + " 'BEGIN INSERT INTO gone (what) VALUES (TG_TABLE_NAME); RETURN OLD; END';"
                        + " CREATE TRIGGER gone AFTER DELETE ON item FOR EACH ROW EXECUTE FUNCTION gone();"
                        + " CREATE TRIGGER gone AFTER DELETE ON line FOR EACH ROW EXECUTE FUNCTION gone()");
        pair.pause();
        for (long id = 1; id <= 20; id++) {
            pair.items().delete(id, Write.back());
            pair.lines().delete(id, Write.back());
        }
        pair.drain();
        assertThat(instances.sql().rows("SELECT id FROM item UNION ALL SELECT id FROM line"))
                .isEmpty();
        assertThat(instances
                        .sql()
                        .rows("SELECT what, count(*), count(DISTINCT at) FROM gone GROUP BY what ORDER BY min(n)"))
                .containsExactly("line|20|1", "item|20|1");
        assertThat(instances.sql().number("SELECT count(DISTINCT at) FROM gone"))
                .isEqualTo(1);
        assertThat(pair.items().deadLetters(10)).isEmpty();
    }

    @Test
    void group_withAPoisonChild_writesTheParentAndTheOthers() {
        Pair pair = open(true);
        instances.sql().run("ALTER TABLE line ADD CHECK (id <> 13)");
        for (long id = 1; id <= 30; id++) {
            pair.items().save(Item.of(id, 1), Write.back());
            pair.lines().save(new Line(id, id), Write.back());
        }
        pair.drain();
        assertThat(instances.sql().number("SELECT count(*) FROM item")).isEqualTo(30);
        assertThat(instances.sql().number("SELECT count(*) FROM line")).isEqualTo(29);
        assertThat(pair.lines().deadLetters(10)).singleElement().satisfies(letter -> {
            assertThat(letter.key()).isEqualTo(13L);
            assertThat(letter.sqlState()).isEqualTo("23514");
        });
    }

    @Test
    void delete_ofAParentWhoseChildsDeleteIsPending_waitsForIt() {
        Pair pair = open(false);
        pair.items().save(Item.of(1, 1));
        pair.lines().save(new Line(7, 1));
        pair.items().delete(1L, Write.back());
        pair.lines().delete(7L, Write.back());
        pair.items().resumeDrain();
        await().atMost(SOON)
                .until(() -> pair.instance()
                                        .statements()
                                        .matching(text ->
                                                text.startsWith("DELETE FROM") && text.contains("\"item\" AS t"))
                                        .size()
                                >= 2
                        || pair.items().writeBackStatus().dead() > 0);
        assertThat(pair.items().writeBackStatus().dead()).isZero();
        pair.drain();
        assertThat(instances.sql().rows("SELECT id FROM item")).isEmpty();
    }

    @Test
    void group_ofWhatCannotBeOne_isRefused() {
        Pair pair = open(true);
        Pair other = open(false);
        Instance third = instances.open();
        CachedRepository<Long, Item> without = instances.repository(third, Item.table(COLUMN), settings -> {});
        CachedRepository<Long, Line> lines =
                instances.repository(third, lines(), settings -> settings.allowWriteBack(back -> {}));
        assertThatThrownBy(() -> pair.instance().understudy().group(pair.items(), pair.lines()))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("already");
        assertThatThrownBy(() -> other.instance().understudy().group(other.items(), other.items()))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("already");
        assertThatThrownBy(() -> other.instance().understudy().group(other.items(), pair.lines()))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("not of this instance");
        assertThatThrownBy(() -> other.instance().understudy().group(other.items()))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("two");
        assertThatThrownBy(() -> third.understudy().group(without, lines))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("not allowed");
        other.instance().understudy().group(other.items(), other.lines());
    }
}
