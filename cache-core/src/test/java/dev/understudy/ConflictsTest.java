package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Conflict;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.OnConflict;
import dev.understudy.model.Read;
import dev.understudy.model.Replication;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Change;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.InMemoryStore;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Pending writes and writers that go around the cache. */
class ConflictsTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Versioning TRIGGER = Versioning.columnAndTrigger("us_version");
    private static final Item READ = item(1);
    private static final Item AROUND = item(2);
    private static final Item PENDING = item(3);

    private final Cluster cluster = new Cluster(TRIGGER);

    private static Item item(int amount) {
        return new Item(1, "lamp", amount);
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    /** An instance with the row 1 in the cache, whose drain waits. */
    private Node start(OnConflict behaviour) {
        Node node = cluster.start(repository -> repository.allowWriteBack(
                back -> back.delay(Duration.ofMillis(10)).onConflict(behaviour)));
        node.items.save(READ);
        node.items.pauseDrain();
        return node;
    }

    /** Stores, or deletes, past the cache: the trigger gives the row an odd version. */
    private void around(Optional<Item> value) {
        around(value, Version.UNVERSIONED);
    }

    private void around(Optional<Item> value, Version version) {
        InMemoryStore<Long, Item> store = new InMemoryStore<>("item", Long.class, Item.class, TRIGGER, Item::id);
        cluster.primary.call(
                Primary.Use.COMMIT,
                SOON,
                connection -> store.apply(connection, List.of(new Change<>(1L, value, version, Change.Guard.NONE))));
    }

    private static Version oddAbove(Version version) {
        return new Version((version.value() + 1) | 1);
    }

    private static void drain(Node node) {
        node.items.resumeDrain();
        assertThat(node.items.drain(SOON)).isZero();
    }

    private static Optional<Item> row(Node node) {
        return node.items.read(1L, Read.strong()).value();
    }

    private static DeadLetter<Long, Item> onlyLetter(Node node) {
        List<DeadLetter<Long, Item>> letters = node.items.deadLetters(10);
        assertThat(letters).hasSize(1);
        assertThat(letters.get(0).isConflict()).isTrue();
        return letters.get(0);
    }

    @Test
    void writeBack_overARowChangedAround_isBuriedAndTheRowIsSeen() {
        Node one = start(OnConflict.DETECT);
        around(Optional.of(AROUND));
        WriteReceipt receipt = one.items.save(PENDING, Write.back());

        drain(one);

        assertThat(row(one)).contains(AROUND);
        assertThat(one.items.find(1L)).contains(AROUND);
        assertThat(onlyLetter(one).value()).contains(PENDING);
        assertThat(receipt.awaitCommitted(SOON)).isEqualTo(Replication.DEAD);
        assertThat(WriteModesTest.assertConserved(one, 1).dead()).isEqualTo(1);
    }

    @Test
    void writeBack_lastWriterWins_overwritesAnOlderChangeAndGivesWayToANewer() {
        Node one = start(OnConflict.LAST_WRITER_WINS);
        around(Optional.of(AROUND));
        one.items.save(PENDING, Write.back());
        drain(one);
        assertThat(row(one)).contains(PENDING);

        one.items.pauseDrain();
        one.items.save(item(4), Write.back());
        around(Optional.of(item(5)));
        drain(one);

        assertThat(one.items.deadLetters(10)).isEmpty();
        assertThat(one.items.writeBackStatus().dead()).isZero();
    }

    @Test
    void change_aroundAfterTheAck_isAConflictToo() {
        Node one = start(OnConflict.DETECT);
        one.items.save(PENDING, Write.back());
        around(Optional.of(AROUND));

        drain(one);

        assertThat(row(one)).contains(AROUND);
        onlyLetter(one);
    }

    @Test
    void insert_ofARowThatSomebodyInsertedAround_isAConflict() {
        Node one = start(OnConflict.DETECT);
        one.items.delete(1L);
        assertThat(one.items.find(1L)).isEmpty();
        one.items.save(PENDING, Write.back());
        around(Optional.of(AROUND));

        drain(one);

        assertThat(row(one)).contains(AROUND);
        onlyLetter(one);
    }

    @Test
    void row_deletedAround_isAConflictForAnUpsertAndNotForADelete() {
        Node one = start(OnConflict.DETECT);
        one.items.save(PENDING, Write.back());
        around(Optional.empty());
        drain(one);
        assertThat(row(one)).isEmpty();
        onlyLetter(one);

        one.items.save(READ);
        one.items.pauseDrain();
        one.items.delete(1L, Write.back());
        around(Optional.empty());
        drain(one);

        assertThat(row(one)).isEmpty();
        assertThat(one.items.writeBackStatus().dead()).isEqualTo(1);
    }

    @Test
    void delete_ofARowChangedAround_isBuriedAndLeavesTheRow() {
        Node one = start(OnConflict.DETECT);
        around(Optional.of(AROUND));
        one.items.delete(1L, Write.back());

        drain(one);

        assertThat(row(one)).contains(AROUND);
        assertThat(onlyLetter(one).isDelete()).isTrue();
    }

    @Test
    void writeThroughs_andOwnDeletes_areNoConflicts() {
        Node one = start(OnConflict.DETECT);
        Node two = start(OnConflict.DETECT);
        one.items.save(PENDING, Write.back());
        two.items.save(item(4));
        one.items.save(item(5), Write.back());
        one.items.delete(1L, Write.back());
        one.items.save(item(6), Write.back());
        two.items.delete(1L);
        one.items.save(item(7), Write.back());

        drain(one);

        assertThat(row(one)).contains(item(7));
        assertThat(one.items.deadLetters(10)).isEmpty();
    }

    @Test
    void write_acknowledgedWhileTheOneBeforeItIsBuried_isAConflictAsWell() {
        Node one = start(OnConflict.DETECT);
        Node two = start(OnConflict.DETECT);
        around(Optional.of(AROUND));
        one.items.save(PENDING, Write.back());
        AtomicBoolean isFirst = new AtomicBoolean(true);
        try (Rule rule = one.faults.watch(SharedCommand.Drained.class, call -> {
            if (isFirst.getAndSet(false)) {
                two.items.save(item(4), Write.back());
            }
        })) {
            drain(one);
        }

        assertThat(isFirst).isFalse();
        assertThat(row(one)).contains(AROUND);
        assertThat(one.items.deadLetters(10)).hasSize(2).allMatch(DeadLetter::isConflict);
    }

    @Test
    void retry_ofAConflict_writesUnlessTheRowIsNewerThanTheLetter() {
        Node one = start(OnConflict.DETECT);
        around(Optional.of(AROUND), oddAbove(one.items.read(1L, Read.strong()).version()));
        one.items.save(PENDING, Write.back());
        drain(one);

        one.items.retry(onlyLetter(one));

        assertThat(row(one)).contains(PENDING);
        assertThat(one.items.deadLetters(10)).isEmpty();

        one.items.pauseDrain();
        WriteReceipt receipt = one.items.save(item(4), Write.back());
        around(Optional.of(item(5)), oddAbove(receipt.version()));
        drain(one);
        DeadLetter<Long, Item> overtaken = onlyLetter(one);
        assertThatThrownBy(() -> one.items.retry(overtaken)).isInstanceOf(Conflict.class);
        assertThat(one.items.discard(overtaken)).isTrue();
        assertThat(row(one)).contains(item(5));
    }
}
