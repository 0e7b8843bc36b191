package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.CachedRepository;
import dev.understudy.model.Conflict;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.OnConflict;
import dev.understudy.model.Read;
import dev.understudy.model.Replication;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Pending writes of rows that plain SQL changes meanwhile, with the trigger. */
class ConflictsIT {
    private static final Versioning TRIGGER = Versioning.columnAndTrigger("us_version");
    private static final Duration SOON = Duration.ofSeconds(10);

    @RegisterExtension
    final Instances instances = new Instances();

    @BeforeEach
    void createTable() {
        instances.createItems(TRIGGER);
    }

    private CachedRepository<Long, Item> open(OnConflict behaviour) {
        return instances.items(
                instances.open(), TRIGGER, settings -> settings.allowWriteBack(back -> back.onConflict(behaviour)));
    }

    private CachedRepository<Long, Item> openWithRow(OnConflict behaviour) {
        CachedRepository<Long, Item> items = open(behaviour);
        items.save(Item.of(1, 1));
        items.pauseDrain();
        return items;
    }

    private void around(long amount) {
        instances.sql().run("UPDATE item SET amount = " + amount + " WHERE id = 1");
    }

    private static void drain(CachedRepository<Long, Item> items) {
        items.resumeDrain();
        assertThat(items.drain(SOON)).isZero();
    }

    private List<String> rows() {
        return instances.sql().rows("SELECT id, amount FROM item ORDER BY id");
    }

    @Test
    void update_betweenReadAndWriteBack_sendsTheWriteToTheDeadLetters() {
        CachedRepository<Long, Item> items = openWithRow(OnConflict.DETECT);
        Item read = items.find(1L).orElseThrow();
        around(100);
        WriteReceipt receipt = items.save(read.plus(1), Write.back());
        drain(items);
        assertThat(rows()).containsExactly("1|100");
        assertThat(items.find(1L)).contains(Item.of(1, 100));
        assertThat(items.read(1L, Read.strong()).value()).contains(Item.of(1, 100));
        assertThat(items.deadLetters(10)).singleElement().satisfies(letter -> {
            assertThat(letter.isConflict()).isTrue();
            assertThat(letter.value()).contains(Item.of(1, 2));
            assertThat(letter.message()).contains("around the cache").doesNotContain("item 1");
        });
        assertThat(receipt.awaitCommitted(SOON)).isEqualTo(Replication.DEAD);
    }

    @Test
    void update_betweenReadAndWriteBackWithoutDetection_isOverwritten() {
        CachedRepository<Long, Item> items = openWithRow(OnConflict.LAST_WRITER_WINS);
        Item read = items.find(1L).orElseThrow();
        around(100);
        items.save(read.plus(1), Write.back());
        drain(items);
        assertThat(rows()).containsExactly("1|2");
        assertThat(items.deadLetters(10)).isEmpty();
    }

    @Test
    void writeThrough_whileTheWriteIsPending_isNoConflict() {
        CachedRepository<Long, Item> one = openWithRow(OnConflict.DETECT);
        CachedRepository<Long, Item> two = open(OnConflict.DETECT);
        two.pauseDrain();
        one.save(Item.of(1, 2), Write.back());
        two.save(Item.of(1, 3));
        two.save(Item.of(1, 4), Write.back());
        drain(one);
        assertThat(rows()).containsExactly("1|4");
        assertThat(one.deadLetters(10)).isEmpty();
    }

    @Test
    void writeThrough_whileItsBatchIsInFlight_isNoConflict() {
        Instance draining = instances.open();
        CachedRepository<Long, Item> one = open(OnConflict.DETECT);
        one.save(Item.of(1, 1));
        one.pauseDrain();
        CachedRepository<Long, Item> two = instances.items(
                draining, TRIGGER, settings -> settings.allowWriteBack(back -> back.onConflict(OnConflict.DETECT)));
        two.pauseDrain();
        one.saveAll(List.of(Item.of(1, 2), Item.of(2, 2)), Write.back());
        Gate gate = draining.store().holdNextApply();
        two.resumeDrain();
        gate.awaitArrival();
        Background<WriteReceipt> save =
                Background.begin(() -> one.save(Item.of(1, 10), Write.through().timeout(Duration.ofSeconds(8))));
        gate.open();
        save.end();
        assertThat(two.drain(SOON)).isZero();
        assertThat(rows()).containsExactly("1|10", "2|2");
        assertThat(two.deadLetters(10)).isEmpty();
    }

    @Test
    void manyRows_oneOfThemChanged_onlyItIsBuried() {
        CachedRepository<Long, Item> items = openWithRow(OnConflict.DETECT);
        items.saveAll(
                LongStream.rangeClosed(1, 50).mapToObj(id -> Item.of(id, 7)).toList(), Write.back());
        instances.sql().run("INSERT INTO item (id, name, amount) VALUES (9, 'around', 9)");
        around(100);
        drain(items);
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = 7"))
                .isEqualTo(48);
        assertThat(items.deadLetters(10)).extracting(DeadLetter::key).containsExactlyInAnyOrder(1L, 9L);
        assertThat(items.find(9L)).contains(new Item(9, "around", 9));
    }

    @Test
    void delete_around_isAConflictForAWriteAndNotForADelete() {
        CachedRepository<Long, Item> items = openWithRow(OnConflict.DETECT);
        items.save(Item.of(2, 2));
        items.save(Item.of(1, 2), Write.back());
        items.delete(2L, Write.back());
        instances.sql().run("DELETE FROM item");
        drain(items);
        assertThat(rows()).isEmpty();
        assertThat(items.find(1L)).isEmpty();
        assertThat(items.deadLetters(10)).extracting(DeadLetter::key).containsExactly(1L);
    }

    @Test
    void conflict_retriedAndDiscarded() {
        CachedRepository<Long, Item> items = openWithRow(OnConflict.DETECT);
        around(100);
        items.save(Item.of(1, 2), Write.back());
        drain(items);
        items.retry(items.deadLetters(10).get(0));
        assertThat(rows()).containsExactly("1|2");
        assertThat(items.deadLetters(10)).isEmpty();

        items.pauseDrain();
        items.save(Item.of(1, 3), Write.back());
        around(101);
        drain(items);
        DeadLetter<Long, Item> overtaken = items.deadLetters(10).get(0);
        assertThatThrownBy(() -> items.retry(overtaken)).isInstanceOf(Conflict.class);
        assertThat(items.discard(overtaken)).isTrue();
        assertThat(items.deadLetters(10)).isEmpty();
        assertThat(rows()).containsExactly("1|101");
    }
}
