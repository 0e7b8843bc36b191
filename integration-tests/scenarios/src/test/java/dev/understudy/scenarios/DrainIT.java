package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Replication;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.FaultySharedReplica.PendingCounts;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Primary;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How pending writes reach Postgres, and who takes them there. */
class DrainIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    private static final Duration LEASE = Duration.ofSeconds(2);

    @RegisterExtension
    final Instances instances = new Instances();

    private static List<Item> items(int from, int to) {
        return LongStream.rangeClosed(from, to).mapToObj(id -> Item.of(id, id)).toList();
    }

    /** Stops draining and waits until the round under way is over: an idle drain looks four times a second. */
    private static void pause(Instance instance, CachedRepository<Long, Item> repository) {
        AtomicInteger looks = new AtomicInteger();
        try (Rule watch = instance.replica().watch(PendingCounts.class, call -> looks.incrementAndGet())) {
            repository.pauseDrain();
            await().during(Duration.ofMillis(400))
                    .atMost(Duration.ofSeconds(10))
                    .until(() -> looks.getAndSet(0) == 0);
        }
    }

    @Test
    void twoHundredRows_savedAtOnce_takeFourUpsertsAtMost() {
        instances.createItems(COLUMN);
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, COLUMN);
        instance.statements().clear();
        Map<Long, WriteReceipt> receipts = items.saveAll(items(1, 200), Write.back());
        assertThat(receipts).hasSize(200);
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instance.statements().upserts(Item.TABLE)).hasSizeBetween(1, 4);
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                .isEqualTo(200);
        assertThat(receipts.get(7L).awaitCommitted(Duration.ofSeconds(5))).isEqualTo(Replication.COMMITTED);
    }

    @Test
    void twoHundredRows_savedOneByOne_takeFourUpsertsAtMost() {
        instances.createItems(COLUMN);
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(
                instance, COLUMN, settings -> settings.allowWriteBack(back -> back.delay(Duration.ofSeconds(1))));
        items.findAll(LongStream.rangeClosed(1, 200).boxed().toList());
        instance.statements().clear();
        items(1, 200).forEach(item -> items.save(item, Write.back()));
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instance.statements().upserts(Item.TABLE)).hasSizeBetween(1, 4);
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                .isEqualTo(200);
    }

    @Test
    void batch_ofThreeWithOneThatIsRefused_writesTheOthersAndBuriesIt() {
        instances.createItems(COLUMN);
        instances.sql().run("ALTER TABLE item ADD CHECK (amount <> 2)");
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        items.pauseDrain();
        List<WriteReceipt> receipts =
                items(1, 3).stream().map(item -> items.save(item, Write.back())).toList();
        items.resumeDrain();
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item ORDER BY id"))
                .containsExactly("1|1", "3|3");
        assertThat(items.deadLetters(10)).singleElement().satisfies(letter -> {
            assertThat(letter.key()).isEqualTo(2L);
            assertThat(letter.sqlState()).isEqualTo("23514");
        });
        assertThat(receipts)
                .map(receipt -> receipt.awaitCommitted(Duration.ofSeconds(5)))
                .containsExactly(Replication.COMMITTED, Replication.DEAD, Replication.COMMITTED);
        assertThat(items.find(2L)).isEmpty();
        assertThat(items.read(2L, Read.strong()).value()).isEmpty();
    }

    @Test
    void batch_thatIsTooMuchForItsTime_goesInSmallerOnes() {
        instances.createItems(COLUMN);
        instances
                .sql()
                .run("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS"
                        + " $$ BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END $$;"
                        + " CREATE TRIGGER slow BEFORE INSERT OR UPDATE ON item FOR EACH ROW EXECUTE FUNCTION slow()");
        CachedRepository<Long, Item> items = instances.items(
                instances.open(),
                COLUMN,
                settings -> settings.timeout(Duration.ofSeconds(1)).allowWriteBack(back -> back.batch(300)));
        items.saveAll(items(1, 300), Write.back());
        assertThat(items.drain(Duration.ofSeconds(15))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item")).isEqualTo(300);
        assertThat(items.counters().drainFailures.sum())
                .as("the first was too large")
                .isPositive();
    }

    @Test
    void hotKey_savedManyTimes_isMergedAndCounted() {
        instances.createItems(COLUMN);
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(instance, COLUMN);
        items.pauseDrain();
        for (int amount = 1; amount <= 300; amount++) {
            items.save(Item.of(1, amount), Write.back());
        }
        assertThat(items.lag().entries()).isEqualTo(1);
        instance.statements().clear();
        items.resumeDrain();
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instance.statements().upserts(Item.TABLE)).hasSize(1);
        assertThat(items.writeBackStatus().superseded()).isEqualTo(299);
        assertThat(items.writeBackStatus().applied()).isEqualTo(1);
    }

    @Test
    void shards_ofAnInstanceThatPauses_goToTheOtherWhenTheLeaseEnds() {
        instances.createItems(COLUMN);
        Instance pausing = instances.open();
        CachedRepository<Long, Item> one =
                instances.items(pausing, COLUMN, settings -> settings.allowWriteBack(back -> back.lease(LEASE)));
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        two.pauseDrain();
        one.saveAll(items(1, 50), Write.back());
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        pause(pausing, one);
        two.saveAll(items(51, 100), Write.back());
        two.resumeDrain();
        assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        await().untilAsserted(() -> assertThat(two.counters().drainedRows.sum()).isEqualTo(50));
    }

    @Test
    void twoInstances_drainingTheSameShards_writeEveryRowOnce() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> one = instances.items(instances.open(), COLUMN);
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        List<Background<Boolean>> writers = new ArrayList<>();
        for (CachedRepository<Long, Item> on : List.of(one, two)) {
            int from = on == one ? 1 : 1_001;
            writers.add(Background.begin(() -> {
                for (int batch = 0; batch < 20; batch++) {
                    on.saveAll(items(from + batch * 50, from + batch * 50 + 49), Write.back());
                }
                return true;
            }));
        }
        writers.forEach(Background::end);
        assertThat(one.drain(Duration.ofSeconds(20))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                .isEqualTo(2_000);
        await().untilAsserted(() -> assertThat(one.counters().drainedRows.sum()
                        + two.counters().drainedRows.sum())
                .isEqualTo(2_000));
    }

    @Test
    void close_withPendingWrites_handsTheShardsOverAtOnce() throws SQLException {
        instances.createItems(COLUMN);
        Instance leaving = instances.open();
        CachedRepository<Long, Item> one = instances.items(
                leaving, COLUMN, settings -> settings.allowWriteBack(back -> back.lease(Duration.ofMinutes(1))));
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        two.pauseDrain();
        one.saveAll(items(1, 100), Write.back());
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        try (Connection stranger = DriverManager.getConnection(instances.jdbcUrl());
                Statement statement = stranger.createStatement()) {
            stranger.setAutoCommit(false);
            statement.execute("LOCK TABLE item IN SHARE MODE");
            one.saveAll(items(101, 200), Write.back());
            await().until(() -> instances.sql().number("SELECT count(*) FROM us_shard WHERE owner <> ''") > 0);
            assertThat(instances.close(leaving, Duration.ofSeconds(4))).hasValue(100);
            assertThat(instances.sql().number("SELECT count(*) FROM us_shard WHERE owner <> ''"))
                    .isZero();
        }
        two.resumeDrain();
        assertThat(two.drain(Duration.ofSeconds(5))).isZero();
        await().untilAsserted(() -> assertThat(two.counters().drainedRows.sum()).isEqualTo(100));
    }

    @Test
    void close_withTimeToSpare_leavesNothingPending() {
        instances.createItems(COLUMN);
        Instance leaving = instances.open();
        CachedRepository<Long, Item> one = instances.items(leaving, COLUMN);
        one.saveAll(items(1, 500), Write.back());
        assertThat(instances.close(leaving, Duration.ofSeconds(10))).hasValue(0);
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                .isEqualTo(500);
        assertThat(instances.sql().number("SELECT count(*) FROM us_shard WHERE owner <> ''"))
                .isZero();
    }

    @ParameterizedTest(name = "the shard is held: {0}")
    @ValueSource(booleans = {true, false})
    void drain_whileADeleteOfThePendingKeyHasNotCommitted_doesNotBringTheRowBack(boolean isHeld) {
        instances.createItems(COLUMN);
        Instance deleting = instances.open();
        Instance draining = instances.open();
        CachedRepository<Long, Item> one =
                instances.items(deleting, COLUMN, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        CachedRepository<Long, Item> two = instances.items(draining, COLUMN);
        long neighbour = Keys.neighbour(1);
        if (isHeld) {
            two.save(Item.of(neighbour, 1), Write.back());
            assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        }
        two.pauseDrain();
        one.save(Item.of(1, 1), Write.back());
        Gate gate = deleting.primary().holdNextCommit(Primary.Use.COMMIT);
        Background<WriteReceipt> delete =
                Background.begin(() -> one.delete(1L, Write.through().timeout(Duration.ofSeconds(8))));
        gate.awaitArrival();
        draining.statements().clear();
        two.resumeDrain();
        long before = two.counters().drainedRows.sum();
        await("the drain has asked for the shard three times, or has written")
                .atMost(Duration.ofSeconds(6))
                .until(() -> fences(draining) >= 3 || two.counters().drainedRows.sum() > before);
        gate.open();
        delete.end();
        assertThat(one.read(1L, Read.strong()).value()).isEmpty();
        assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id FROM item WHERE id = 1")).isEmpty();
        assertThat(one.find(1L)).isEmpty();
        assertThat(two.read(1L, Read.strong()).value()).isEmpty();
        assertThat(two.writeBackStatus().superseded()).isEqualTo(1);
    }

    @ParameterizedTest(name = "the shards are held: {0}")
    @ValueSource(booleans = {true, false})
    void drain_whileADeleteHoldsOneShard_goesOnWithTheOthers(boolean areHeld) {
        instances.createItems(COLUMN);
        Instance deleting = instances.open();
        CachedRepository<Long, Item> one =
                instances.items(deleting, COLUMN, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        if (areHeld) {
            two.saveAll(items(1_001, 1_100), Write.back());
            assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        }
        two.pauseDrain();
        one.saveAll(items(1, 400), Write.back());
        Gate gate = deleting.primary().holdNextCommit(Primary.Use.COMMIT);
        Background<WriteReceipt> delete =
                Background.begin(() -> one.delete(1L, Write.through().timeout(Duration.ofSeconds(9))));
        gate.awaitArrival();
        two.resumeDrain();
        long others = LongStream.rangeClosed(1, 400)
                .filter(id -> Keys.shardOf(id) != Keys.shardOf(1))
                .count();
        await().atMost(Duration.ofSeconds(4))
                .untilAsserted(() -> assertThat(instances.sql().number("SELECT count(*) FROM item WHERE id <= 400"))
                        .isEqualTo(others));
        gate.open();
        delete.end();
        assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE id <= 400"))
                .isEqualTo(399);
    }

    /** Claims, fences and releases of shards. */
    private static int fences(Instance instance) {
        return instance.statements()
                .matching(text -> text.contains("\"us_shard\"") && text.contains("FOR UPDATE"))
                .size();
    }

    @Test
    void drain_afterADeleteCommittedAndBeforeItsApply_doesNotBringTheRowBack() {
        instances.createItems(COLUMN);
        Instance deleting = instances.open();
        CachedRepository<Long, Item> one = instances.items(deleting, COLUMN);
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        one.pauseDrain();
        two.pauseDrain();
        one.save(Item.of(1, 1), Write.back());
        Gate gate = deleting.primary().holdAfterNextCommit(Primary.Use.COMMIT);
        Background<WriteReceipt> delete =
                Background.begin(() -> one.delete(1L, Write.through().timeout(Duration.ofSeconds(8))));
        gate.awaitArrival();
        two.resumeDrain();
        assertThat(two.drain(Duration.ofSeconds(6))).isZero();
        assertThat(instances.sql().rows("SELECT id FROM item")).isEmpty();
        gate.open();
        delete.end();
        assertThat(one.read(1L, Read.strong()).value()).isEmpty();
        assertThat(two.writeBackStatus().superseded()).isEqualTo(1);
    }

    @Test
    void drain_thatPeekedBeforeAWriteThrough_writesNothingOverIt() {
        instances.createItems(COLUMN);
        Instance draining = instances.open();
        CachedRepository<Long, Item> one = instances.items(instances.open(), COLUMN);
        CachedRepository<Long, Item> two = instances.items(draining, COLUMN);
        one.pauseDrain();
        two.pauseDrain();
        List<Item> pending = items(1, 3);
        one.saveAll(pending, Write.back());
        // Held with its SQL done: the write-throughs queue behind its row locks.
        Gate gate = draining.store().holdNextApply();
        two.resumeDrain();
        gate.awaitArrival();
        Background<WriteReceipt> save =
                Background.begin(() -> one.save(Item.of(1, 10), Write.through().timeout(Duration.ofSeconds(8))));
        Background<WriteReceipt> delete =
                Background.begin(() -> one.delete(2L, Write.through().timeout(Duration.ofSeconds(8))));
        one.save(Item.of(3, 30), Write.back());
        gate.open();
        save.end();
        delete.end();
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item ORDER BY id"))
                .containsExactly("1|10", "3|30");
    }
}
