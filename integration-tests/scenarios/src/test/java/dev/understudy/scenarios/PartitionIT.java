package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Conflict;
import dev.understudy.model.Invalid;
import dev.understudy.model.OnPartition;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.Servers;
import dev.understudy.servers.TcpProxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** An instance is cut off from Redis and writes nevertheless, or refuses to. */
class PartitionIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Write AVAILABLE = Write.through().onPartition(OnPartition.AVAILABLE);
    private static final Duration START = Duration.ofSeconds(60);
    /** A look at the outbox every second, and the bound of the read; the rest is for a machine under load. */
    private static final Duration SEEN =
            Duration.ofSeconds(1).plus(Instances.MAX_STALENESS).plusSeconds(1);

    @RegisterExtension
    final Instances instances = new Instances();

    private String direct = "";
    private TcpProxy proxy = TcpProxy.to(Servers.shared().redis());

    @BeforeEach
    void connectByProxy() {
        direct = instances.redisUri();
        instances.closing(proxy);
    }

    static Stream<Versioning> versionings() {
        return Stream.of(Versioning.none(), COLUMN, Versioning.columnAndTrigger("us_version"));
    }

    private CachedRepository<Long, Item> cutOff(Versioning versioning) {
        instances.redisUri(proxy.redisUri());
        CachedRepository<Long, Item> items = instances.items(instances.open(), versioning);
        instances.redisUri(direct);
        return items;
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void save_availableWithoutRedis_isSeenHereAtOnceAndElsewhereWithinTheBound(Versioning versioning) {
        instances.createItems(versioning);
        CachedRepository<Long, Item> here = cutOff(versioning);
        CachedRepository<Long, Item> there = instances.items(instances.open(), versioning);
        here.saveAll(List.of(Item.of(1, 1), Item.of(2, 1)));
        assertThat(here.findAll(List.of(1L, 2L))).hasSize(2);
        assertThat(there.findAll(List.of(1L, 2L))).hasSize(2);
        proxy.refuse();
        WriteReceipt receipt = here.save(Item.of(1, 2), AVAILABLE);
        here.delete(2L, AVAILABLE);
        assertThat(here.insert(Item.of(3, 3), AVAILABLE)).isNotNull();
        assertThatThrownBy(() -> here.insert(Item.of(3, 4), AVAILABLE)).isInstanceOf(Conflict.class);
        assertThat(here.findAll(List.of(1L, 2L, 3L))).isEqualTo(Map.of(1L, Item.of(1, 2), 3L, Item.of(3, 3)));
        assertThat(here.counters().detachedWrites.sum()).isEqualTo(3);
        if (versioning.isVersioned()) {
            assertThat(receipt.version().value() % 2)
                    .as("allocated by the primary")
                    .isOne();
        }
        await().atMost(SEEN)
                .untilAsserted(() -> assertThat(there.findAll(List.of(1L, 2L, 3L)))
                        .isEqualTo(Map.of(1L, Item.of(1, 2), 3L, Item.of(3, 3))));
        assertThat(instances.sql().number("SELECT count(*) FROM us_invalidation"))
                .isZero();
        proxy.pass();
    }

    @Test
    void process_cutOffThatCommitsAndIsKilled_isSeenElsewhereWithinTheBound() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> there = instances.items(instances.open(), COLUMN);
        there.save(Item.of(1, 1));
        instances.redisUri(proxy.redisUri());
        try (ChildJvm writer = instances.child(CutOffWriter.class)) {
            writer.await(CutOffWriter.READY, START);
            proxy.refuse();
            assertThat(there.find(1L)).contains(Item.of(1, 1));
            writer.send(CutOffWriter.GO);
            writer.await(CutOffWriter.COMMITTED, START);
            writer.kill();
        }
        instances.redisUri(direct);
        await().atMost(SEEN).untilAsserted(() -> assertThat(there.find(1L)).contains(Item.of(1, 2)));
    }

    @Test
    void save_consistentWithoutRedis_isRefusedAndSoonAtOnce() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> here = cutOff(COLUMN);
        here.save(Item.of(1, 1));
        proxy.blackhole();
        for (int i = 0; i < 3; i++) {
            refused(here);
        }
        long begin = System.nanoTime();
        int calls = 50;
        for (int i = 0; i < calls; i++) {
            refused(here);
        }
        // Every 250 ms one caller asks, and waits for the command's timeout.
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(4));
        assertThat(instances.sql().row("SELECT amount FROM item WHERE id = 1")).contains("1");
        proxy.pass();
        await().atMost(Duration.ofSeconds(20))
                .ignoreExceptionsInstanceOf(Unavailable.class)
                .untilAsserted(() -> here.save(Item.of(1, 3)));
    }

    private static void refused(CachedRepository<Long, Item> items) {
        UnderstudyException refused = catchThrowableOfType(UnderstudyException.class, () -> items.save(Item.of(1, 2)));
        assertThat(refused).isInstanceOf(Unavailable.class);
        assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertThat(refused.tier()).isEqualTo(Tier.SHARED);
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void instance_thatReconnects_servesNothingThatItMissed(Versioning versioning) {
        instances.createItems(versioning);
        CachedRepository<Long, Item> writer = cutOff(versioning);
        CachedRepository<Long, Item> reader = cutOff(versioning);
        writer.save(Item.of(1, 1));
        assertThat(reader.find(1L)).contains(Item.of(1, 1));
        for (int round = 2; round < 6; round++) {
            Item next = Item.of(1, round);
            proxy.refuse();
            writer.save(next, AVAILABLE);
            await().atMost(Instances.MAX_STALENESS.plusSeconds(1))
                    .untilAsserted(() -> assertThat(reader.find(1L)).contains(next));
            proxy.pass();
            await().atMost(Duration.ofSeconds(20))
                    .pollInterval(Duration.ofMillis(2))
                    .until(() -> {
                        Versioned<Item> read = reader.read(1L, Read.bounded(Duration.ZERO));
                        assertThat(read.value()).as("by way of " + read.tier()).contains(next);
                        return read.tier() == Tier.SHARED;
                    });
        }
    }

    @Test
    void save_availableOverAPendingWriteBack_isOrderedAboveIt() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> here = cutOff(COLUMN);
        CachedRepository<Long, Item> there = instances.items(instances.open(), COLUMN);
        here.pauseDrain();
        there.pauseDrain();
        there.saveAll(List.of(Item.of(1, 1), Item.of(2, 1), Item.of(3, 1)), Write.back());
        proxy.refuse();
        here.save(Item.of(1, 2), AVAILABLE);
        here.delete(2L, AVAILABLE);
        assertThatThrownBy(() -> here.read(1L, Read.strong())).isInstanceOf(Unavailable.class);
        assertThat(here.read(1L, Read.eventual()).mayTrail()).isTrue();
        await().atMost(SEEN)
                .untilAsserted(
                        () -> assertThat(there.read(1L, Read.strong()).value()).contains(Item.of(1, 2)));
        proxy.pass();
        here.resumeDrain();
        there.resumeDrain();
        assertThat(there.drain(Duration.ofSeconds(15))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item ORDER BY id"))
                .containsExactly("1|2", "3|1");
        assertThat(there.read(2L, Read.strong()).value()).isEmpty();
    }

    @Test
    void transaction_ofAnAvailableRepositoryWithoutRedis_isSeenElsewhere() {
        instances.createItems(COLUMN);
        instances.redisUri(proxy.redisUri());
        Instance instance = instances.open();
        CachedRepository<Long, Item> here =
                instances.items(instance, COLUMN, settings -> settings.onPartition(OnPartition.AVAILABLE));
        instances.redisUri(direct);
        CachedRepository<Long, Item> there = instances.items(instances.open(), COLUMN);
        here.saveAll(List.of(Item.of(1, 1), Item.of(2, 1)));
        assertThat(there.findAll(List.of(1L, 2L))).hasSize(2);
        proxy.refuse();
        instance.understudy().inTransaction(tx -> {
            tx.on(here).update(1L, item -> item.plus(5));
            tx.on(here).delete(2L);
            tx.on(here).save(Item.of(3, 3));
            return tx.on(here).save(Item.of(3, 4));
        });
        await().atMost(SEEN)
                .untilAsserted(
                        () -> assertThat(there.findAll(List.of(1L, 2L, 3L)).values())
                                .containsExactly(Item.of(1, 6), Item.of(3, 4)));
        proxy.pass();
    }

    @Test
    void onPartition_availableWithoutTheTable_isRefused() {
        instances.createItems(Versioning.none());
        instances.sql().run("DROP TABLE us_invalidation");
        CachedRepository<Long, Item> items = instances.items(instances.open(), Versioning.none());
        assertThatThrownBy(() -> items.save(Item.of(1, 1), AVAILABLE))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("us_invalidation");
        items.save(Item.of(1, 1));
    }
}
