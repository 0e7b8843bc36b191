package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Conflict;
import dev.understudy.model.Invalid;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.io.IOException;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The caller's own transactions, over two repositories, with SQL of the caller's own. */
class TransactionIT {
    @RegisterExtension
    final Instances instances = new Instances();

    private record Note(long id, String text) {}

    static Stream<Versioning> versionings() {
        return Stream.of(Versioning.none(), Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"));
    }

    @BeforeEach
    void createNotes() {
        instances.sql().run("CREATE TABLE note (id bigint PRIMARY KEY, text text NOT NULL)");
    }

    private CachedRepository<Long, Note> notes(Instance instance) {
        return instances.repository(
                instance, PostgresTable.of(Note.class, "note").key(Note::id), settings -> {});
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void commit_overTwoRepositories_showsAllOnBothInstances(Versioning versioning) {
        instances.createItems(versioning);
        Instance here = instances.open();
        Instance there = instances.open();
        CachedRepository<Long, Item> items = instances.items(here, versioning);
        CachedRepository<Long, Item> itemsThere = instances.items(there, versioning);
        CachedRepository<Long, Note> notes = notes(here);
        CachedRepository<Long, Note> notesThere = notes(there);
        items.save(Item.of(1, 1));
        items.save(Item.of(2, 1));
        assertThat(itemsThere.findAll(List.of(1L, 2L, 3L))).hasSize(2);
        assertThat(notesThere.find(1L)).isEmpty();
        String seen = here.understudy().inTransaction(tx -> {
            tx.on(items).update(1L, item -> item.plus(9));
            tx.on(items).delete(2L);
            tx.on(items).insert(Item.of(3, 3));
            tx.on(notes).save(new Note(1, "first"));
            tx.on(notes).save(new Note(1, "second"));
            assertThat(tx.on(items).findAll(List.of(1L, 2L, 3L)))
                    .containsOnly(Map.entry(1L, Item.of(1, 10)), Map.entry(3L, Item.of(3, 3)));
            assertThat(itemsThere.find(1L)).as("before commit").contains(Item.of(1, 1));
            assertThat(itemsThere.read(1L, Read.strong()).value())
                    .as("before commit")
                    .contains(Item.of(1, 1));
            return tx.on(notes).find(1L).orElseThrow().text();
        });
        assertThat(seen).isEqualTo("second");
        assertThat(items.findAll(List.of(1L, 2L, 3L)).values()).containsExactly(Item.of(1, 10), Item.of(3, 3));
        assertThat(itemsThere.read(3L, Read.strong()).value()).contains(Item.of(3, 3));
        await().atMost(Instances.MAX_STALENESS)
                .untilAsserted(
                        () -> assertThat(itemsThere.findAll(List.of(1L, 2L, 3L)).values())
                                .containsExactly(Item.of(1, 10), Item.of(3, 3)));
        await().atMost(Instances.MAX_STALENESS)
                .untilAsserted(() -> assertThat(notesThere.find(1L)).contains(new Note(1, "second")));
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void rollback_ofWritesAndOwnSql_leavesAllCopiesAsTheyWere(Versioning versioning) {
        instances.createItems(versioning);
        Instance here = instances.open();
        CachedRepository<Long, Item> items = instances.items(here, versioning);
        CachedRepository<Long, Item> there = instances.items(instances.open(), versioning);
        CachedRepository<Long, Note> notes = notes(here);
        items.save(Item.of(1, 1));
        items.save(Item.of(2, 1));
        assertThat(there.findAll(List.of(1L, 2L, 3L))).hasSize(2);
        assertThatThrownBy(() -> here.understudy().inTransaction(tx -> {
                    tx.on(items).save(Item.of(1, 10));
                    tx.on(items).delete(2L);
                    tx.on(items).save(Item.of(3, 10));
                    tx.on(notes).save(new Note(1, "never"));
                    throw new IOException("the caller's own");
                }))
                .isInstanceOf(IOException.class);
        for (CachedRepository<Long, Item> on : List.of(items, there)) {
            assertThat(on.findAll(List.of(1L, 2L, 3L)).values()).containsExactly(Item.of(1, 1), Item.of(2, 1));
            assertThat(on.read(1L, Read.strong()).value()).contains(Item.of(1, 1));
        }
        assertThat(notes.find(1L)).isEmpty();
        assertThat(instances.sql().rows("SELECT id, amount FROM item ORDER BY id"))
                .containsExactly("1|1", "2|1");
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void ownSql_toldByChanged_isSeenOnTheOtherInstance(Versioning versioning) {
        instances.createItems(versioning);
        Instance here = instances.open();
        CachedRepository<Long, Item> items = instances.items(here, versioning);
        CachedRepository<Long, Item> there = instances.items(instances.open(), versioning);
        List<Long> ids = List.of(1L, 2L, 3L);
        items.saveAll(List.of(Item.of(1, 1), Item.of(2, 2), Item.of(3, 3)));
        assertThat(there.findAll(ids)).hasSize(3);
        here.understudy().inTransaction(tx -> {
            try (Statement statement = tx.unwrap(Connection.class).createStatement()) {
                statement.executeUpdate("UPDATE item SET amount = amount + 100 WHERE id IN (1, 2)");
                statement.executeUpdate("DELETE FROM item WHERE id = 3");
            }
            tx.changed(items, ids);
            return true;
        });
        assertThat(items.findAll(ids).values()).containsExactly(Item.of(1, 101), Item.of(2, 102));
        assertThat(there.read(1L, Read.strong()).value()).contains(Item.of(1, 101));
        await().atMost(Instances.MAX_STALENESS)
                .untilAsserted(() ->
                        assertThat(there.findAll(ids).values()).containsExactly(Item.of(1, 101), Item.of(2, 102)));
    }

    @Test
    void write_underAPendingWriteBack_isOrderedAboveIt() {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        Instance here = instances.open();
        CachedRepository<Long, Item> items = instances.items(here, versioning);
        items.pauseDrain();
        items.save(Item.of(1, 1), Write.back());
        items.save(Item.of(2, 1), Write.back());
        here.understudy().inTransaction(tx -> {
            tx.on(items).save(Item.of(1, 2));
            tx.on(items).delete(2L);
            return true;
        });
        assertThat(items.find(1L)).contains(Item.of(1, 2));
        items.resumeDrain();
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item")).containsExactly("1|2");
    }

    @Test
    void conflict_insideATransaction_rollsEverythingBack() {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        Instance here = instances.open();
        CachedRepository<Long, Item> items = instances.items(here, versioning);
        items.save(Item.of(1, 1));
        assertThatThrownBy(() -> here.understudy().inTransaction(tx -> {
                    tx.on(items).save(Item.of(2, 2));
                    return tx.on(items).insert(Item.of(1, 5));
                }))
                .isInstanceOf(Conflict.class);
        assertThatThrownBy(() ->
                        here.understudy().inTransaction(tx -> tx.on(items).update(9L, item -> item.plus(1))))
                .isInstanceOf(Conflict.class);
        assertThat(instances.sql().rows("SELECT id, amount FROM item")).containsExactly("1|1");
        assertThat(items.find(2L)).isEqualTo(Optional.empty());
    }

    @Test
    void repository_ofAnotherInstance_isRefused() {
        instances.createItems(Versioning.none());
        Instance here = instances.open();
        CachedRepository<Long, Item> elsewhere = instances.items(instances.open(), Versioning.none());
        assertThatThrownBy(() ->
                        here.understudy().inTransaction(tx -> tx.on(elsewhere).find(1L)))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("does not belong");
    }
}
