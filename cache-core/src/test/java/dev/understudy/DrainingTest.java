package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.FaultySharedReplica.PendingCounts;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.InMemoryCodec;
import dev.understudy.spi.InMemoryNearReplica;
import dev.understudy.spi.InMemoryStore;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who drains, and what draining costs the primary. */
class DrainingTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Duration LEASE = Duration.ofMinutes(1);
    private static final String STRANGER = "stranger";

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    private Node startHolding(Set<Integer> shards) {
        Node node = cluster.startPaused();
        cluster.primary.call(Primary.Use.DRAIN, SOON, connection -> {
            cluster.primary.ledger().attend(connection, "item", STRANGER, LEASE);
            return cluster.primary.ledger().claim(connection, "item", shards, STRANGER, LEASE);
        });
        return node;
    }

    @Test
    void drainer_whoseShardsOthersHold_staysNotedAndWritesNothing() {
        Node node = startHolding(Set.of(0, 1, 2, 3));
        node.items.saveAll(
                LongStream.range(0, 20).mapToObj(id -> new Item(id, "lamp", 1)).toList(), Write.back());
        AtomicInteger looks = new AtomicInteger();
        try (Rule watch = node.faults.watch(PendingCounts.class, call -> looks.incrementAndGet())) {
            node.items.resumeDrain();
            await().atMost(SOON).until(() -> looks.get() > 1);
            long before = cluster.primary.commits();
            int seen = looks.get();
            await().atMost(SOON).until(() -> {
                node.items.save(new Item(1, "lamp", looks.get()), Write.back());
                return looks.get() > seen + 20;
            });
            assertThat(cluster.primary.commits() - before).isLessThanOrEqualTo(2);
        }
        int drainers = cluster.primary.call(
                Primary.Use.DRAIN,
                SOON,
                connection -> cluster.primary.ledger().attend(connection, "item", STRANGER, LEASE));
        assertThat(drainers).isEqualTo(2);
        node.items.pauseDrain();
        cluster.primary.call(Primary.Use.DRAIN, SOON, connection -> {
            cluster.primary.ledger().leave(connection, "item", STRANGER);
            cluster.primary.ledger().release(connection, "item", Map.of(0, 1L, 1, 1L, 2, 1L, 3, 1L), STRANGER);
            return true;
        });
        node.items.resumeDrain();
        assertThat(node.items.drain(SOON)).isZero();
    }

    @Test
    void drain_whoseLookIsAnsweredLate_looksAgainUntilItsTimeIsUp() {
        Node node = cluster.startPaused();
        node.items.save(new Item(1, "lamp", 1), Write.back());
        node.faults.next(PendingCounts.class, Fault.failing(Reason.NO_ANSWER));
        node.faults.next(PendingCounts.class, Fault.failing(Reason.NO_ANSWER));

        assertThat(node.items.drain(Duration.ofMillis(100))).isEqualTo(1);

        node.items.resumeDrain();
        assertThat(node.items.drain(SOON)).isZero();
    }

    @Test
    void drain_whileTheReplicaIsAway_waitsForIt_untilItsTimeIsUp() {
        Node node = cluster.startPaused();
        node.items.save(new Item(1, "lamp", 1), Write.back());
        node.faults.next(PendingCounts.class, Fault.failing(Reason.NOT_SENT));
        node.faults.next(PendingCounts.class, Fault.failing(Reason.NOT_SENT));
        assertThat(node.items.drain(Duration.ofMillis(100))).isEqualTo(1);

        try (Rule away = node.faults.every(PendingCounts.class, Fault.failing(Reason.NOT_SENT))) {
            assertThatThrownBy(() -> node.items.drain(Duration.ofMillis(100))).isInstanceOf(Unavailable.class);
        }
        try (Rule refused = node.faults.every(PendingCounts.class, Fault.failing(Reason.REFUSED))) {
            assertThatThrownBy(() -> node.items.drain(Duration.ofDays(1))).isInstanceOf(Unavailable.class);
        }
    }

    @Test
    void drain_whoseLastLooksAreLate_answersWhatItSawBefore() {
        Node node = cluster.startPaused();
        node.items.save(new Item(1, "lamp", 1), Write.back());
        AtomicInteger looks = new AtomicInteger();
        try (Rule late = node.faults.every(
                PendingCounts.class,
                (call, send) -> looks.getAndIncrement() == 0
                        ? send.get()
                        : Fault.failing(Reason.NO_ANSWER).around(call, send))) {
            assertThat(node.items.drain(Duration.ofMillis(100))).isEqualTo(1);
        }
        assertThat(looks.get()).isGreaterThan(1);
    }

    private static Consumer<RepositoryBuilder<Long, Item>> batch(int rows) {
        return repository -> repository.allowWriteBack(
                back -> back.delay(Duration.ofMillis(10)).batch(rows));
    }

    private static List<Item> items(long first, int count, String name) {
        return LongStream.range(first, first + count)
                .mapToObj(id -> new Item(id, name, 1))
                .toList();
    }

    private static void awaitPending(Node node, long pending) {
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(node.items.writeBackStatus().pending()).isEqualTo(pending));
    }

    @Test
    void drain_keysOfAnotherType_areLeftAndHideNobody() {
        Node node = cluster.start(batch(20));
        node.items.pauseDrain();
        InMemoryStore<String, Item> other =
                new InMemoryStore<>("item", String.class, Item.class, cluster.versioning, item -> "no " + item.id());
        Understudy understudy = Understudy.builder()
                .namespace("shop")
                .shared(() -> new FaultySharedReplica(cluster.server.connect()))
                .primary(() -> cluster.primary)
                .near(InMemoryNearReplica.factory())
                .codec(new InMemoryCodec())
                .build();
        try (understudy) {
            CachedRepository<String, Item> strangers = understudy
                    .repository(other)
                    .shared(shared -> shared.shards(4))
                    .allowWriteBack(RepositoryBuilder.Back::neverDrains)
                    .build();
            strangers.saveAll(items(0, 100, "lamp"), Write.back());
            node.items.saveAll(items(1_000, 30, "lamp"), Write.back());

            node.items.resumeDrain();

            awaitPending(node, 100);
            assertThat(node.items.writeBackStatus().applied()).isEqualTo(30);
            await().atMost(SOON).until(() -> node.items.writeBackStatus().left() == 100);
        }
    }

    @Test
    void drain_soManyRefusedThatTheTableMustHaveChanged_writesTheOthersAndBuriesNothing() {
        Cluster refusing = new Cluster(
                Versioning.column("us_version"),
                store -> store.refusing(item -> item.name().equals("poison")));
        try (refusing) {
            Node node = refusing.start(batch(40));
            node.items.pauseDrain();
            node.items.saveAll(items(0, 60, "poison"), Write.back());
            node.items.saveAll(items(1_000, 60, "lamp"), Write.back());

            node.items.resumeDrain();

            awaitPending(node, 60);
            assertThat(node.items.writeBackStatus().applied()).isEqualTo(60);
            assertThat(node.items.writeBackStatus().dead()).isZero();
        }
    }

    @Test
    void drain_ofSeveralBatches_writesTheNext_whileTheReplicaIsToldOfTheOneBefore() throws InterruptedException {
        Node node = cluster.start(batch(10));
        node.items.pauseDrain();
        node.items.saveAll(items(0, 40, "lamp"), Write.back());
        Hold hold = new Hold();
        try (Rule told = node.faults.every(SharedCommand.Drained.class, Fault.heldBefore(hold))) {
            node.items.resumeDrain();

            assertThat(hold.awaitArrival(SOON)).isTrue();
            await().atMost(SOON).until(() -> node.items.counters().drainBatches.sum() == 4);
            assertThat(node.items.writeBackStatus().pending()).isEqualTo(40);
            hold.release();
            awaitPending(node, 0);
            assertThat(node.items.writeBackStatus().applied()).isEqualTo(40);
        }
    }

    @Test
    void drain_thatMeetsAnError_goesOn() {
        AtomicBoolean broken = new AtomicBoolean();
        Cluster failing = new Cluster(
                Versioning.column("us_version"),
                store -> store.refusing(item -> {
                    if (broken.compareAndSet(true, false)) {
                        throw new NoClassDefFoundError("a class of the application");
                    }
                    return false;
                }));
        try (failing) {
            Node node = failing.startPaused();
            node.items.save(new Item(1, "lamp", 1), Write.back());
            broken.set(true);

            node.items.resumeDrain();

            assertThat(node.items.drain(SOON)).isZero();
            assertThat(broken).isFalse();
        }
    }
}
