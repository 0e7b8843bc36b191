package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.postgresql.ds.PGSimpleDataSource;

/** Writers that go around the library, on a table with the trigger that tells of them. */
class OutboxTriggerIT {
    /** A look at the outbox every second, and the bound of the read; the rest is for a machine under load. */
    private static final Duration SEEN =
            Duration.ofSeconds(1).plus(Instances.MAX_STALENESS).plusSeconds(1);

    @RegisterExtension
    final Instances instances = new Instances();

    private record LineId(String order, int position) {}

    private record Line(String order, int position, long amount) {}

    static Stream<Versioning> versionings() {
        return Stream.of(Versioning.none(), Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"));
    }

    private void installTrigger(PostgresTable<?, ?> table) {
        PostgresPrimary primary = PostgresPrimary.on(new PGSimpleDataSource()).build();
        String sql = table.outboxTriggerSql(primary);
        instances.sql().run(sql);
        instances.sql().run(sql);
        primary.close();
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void directChange_onATableWithTheTrigger_isSeenWithinTheBound(Versioning versioning) {
        instances.createItems(versioning);
        installTrigger(Item.table(versioning));
        CachedRepository<Long, Item> items = instances.items(instances.open(), versioning);
        CachedRepository<Long, Item> there = instances.items(instances.open(), versioning);
        List<Long> ids = List.of(1L, 2L, 3L, 4L, 5L);
        items.saveAll(List.of(Item.of(1, 1), Item.of(2, 2), Item.of(3, 3)));
        assertThat(items.findAll(ids)).hasSize(3);
        assertThat(there.findAll(ids)).hasSize(3);
        instances.sql().run("UPDATE item SET amount = amount + 100 WHERE id = 1");
        instances.sql().run("DELETE FROM item WHERE id = 2");
        instances.sql().run("UPDATE item SET id = 4 WHERE id = 3");
        instances.sql().run("INSERT INTO item (id, name, amount) VALUES (5, 'direct', 5)");
        for (CachedRepository<Long, Item> on : List.of(items, there)) {
            await().atMost(SEEN)
                    .untilAsserted(() -> assertThat(on.findAll(ids).values())
                            .extracting(item -> item.id() + "|" + item.amount())
                            .containsExactly("1|101", "4|3", "5|5"));
        }
    }

    @Test
    void ownWrites_onATableWithTheTrigger_leaveNoNote() {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        installTrigger(Item.table(versioning));
        instances.sql().run("CREATE TABLE noted (at timestamptz)");
        instances
                .sql()
                .run("CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO noted VALUES"
                        + " (now()); RETURN NULL; END$$; CREATE TRIGGER noted AFTER INSERT ON us_invalidation"
                        + " FOR EACH ROW EXECUTE FUNCTION noted()");
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, versioning);
        items.saveAll(List.of(Item.of(1, 1), Item.of(2, 1), Item.of(3, 1)));
        items.update(1L, item -> item.plus(1));
        items.delete(2L);
        items.save(Item.of(3, 2), Write.back());
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM noted")).isZero();
        instance.understudy().inTransaction(tx -> {
            tx.on(items).save(Item.of(1, 5));
            try (Statement statement = tx.unwrap(Connection.class).createStatement()) {
                statement.executeUpdate("UPDATE item SET amount = 7 WHERE id = 3");
            }
            return tx.on(items).save(Item.of(2, 5));
        });
        assertThat(instances.sql().number("SELECT count(*) FROM noted"))
                .as("the caller's own SQL, of which nobody told")
                .isOne();
        await().atMost(SEEN).untilAsserted(() -> assertThat(items.find(3L)).contains(Item.of(3, 7)));
    }

    @Test
    void directChange_ofARowWithARecordAsKey_isSeen() {
        instances
                .sql()
                .run("CREATE TABLE line (\"order\" text, position int, amount bigint NOT NULL,"
                        + " PRIMARY KEY (\"order\", position))");
        instances.install("");
        PostgresTable<LineId, Line> table =
                PostgresTable.of(Line.class, "line").key(line -> new LineId(line.order(), line.position()));
        installTrigger(table);
        CachedRepository<LineId, Line> lines = instances.repository(instances.open(), table, settings -> {});
        Line odd = new Line("a:b\\c", 1, 1);
        lines.save(odd);
        LineId id = new LineId(odd.order(), odd.position());
        assertThat(lines.find(id)).contains(odd);
        instances.sql().run("UPDATE line SET amount = 2");
        await().atMost(SEEN).untilAsserted(() -> assertThat(lines.find(id)).contains(new Line("a:b\\c", 1, 2)));
    }
}
