package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Rows whose parent is pending in a repository of its own. */
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
        await().atMost(SOON).until(() -> instance.statements().upserts("line").size() >= 2);
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
}
