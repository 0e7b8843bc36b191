package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica.PendingCounts;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.InMemoryStore;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

/** How an instance ends: what it drains, what it leaves, how long it takes. */
class ClosingTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Duration TIMEOUT = Duration.ofSeconds(8);
    private static final Duration EARLY = Duration.ofSeconds(5);
    private static final Set<Integer> SHARDS = Set.of(0, 1, 2, 3);
    private static final String STRANGER = "stranger";

    private final AtomicBoolean isStuck = new AtomicBoolean();
    private final Cluster cluster = new Cluster(Versioning.column("us_version"), this::stickable);

    private InMemoryStore<Long, Item> stickable(InMemoryStore<Long, Item> store) {
        return store.refusing(item -> {
            if (isStuck.get()) {
                throw new PrimaryFailure(
                        PrimaryFailure.Kind.TRANSIENT, "53100", Outcome.NOT_APPLIED, "the disk is full", null);
            }
            return false;
        });
    }

    @AfterEach
    void close() {
        cluster.close();
    }

    private InMemoryStore<Long, Item> store(String name) {
        return new InMemoryStore<>(name, Long.class, Item.class, cluster.versioning, Item::id);
    }

    private static List<Item> items(int count) {
        return LongStream.range(0, count)
                .mapToObj(id -> new Item(id, "lamp", 1))
                .toList();
    }

    private Set<Integer> claimedBy(String owner, String cache, Set<Integer> shards) {
        return cluster.primary
                .call(
                        Primary.Use.DRAIN,
                        SOON,
                        connection ->
                                cluster.primary.ledger().claim(connection, cache, shards, owner, Duration.ofMinutes(1)))
                .keySet();
    }

    private static Duration since(long began) {
        return Duration.ofNanos(System.nanoTime() - began);
    }

    @Test
    void close_ofAnInstanceThatNeverDrains_tellsHowManyAreLeft() {
        Node node = cluster.start(repository -> repository.allowWriteBack(back -> back.neverDrains()));
        node.items.saveAll(items(3), Write.back());

        assertThat(node.understudy.close(SOON)).hasValue(3);
    }

    @Test
    void close_whileTheSharedReplicaIsAway_doesNotKnowWhatIsLeft() {
        Node node = cluster.start(repository -> repository.allowWriteBack(back -> back.neverDrains()));
        node.items.saveAll(items(3), Write.back());
        cluster.server.reachable(false);

        assertThat(node.understudy.close(Duration.ofSeconds(1))).isEmpty();
    }

    @Test
    void close_whileOthersWriteAllTheTime_endsOnceWhatWasPendingIsDrained() {
        Node node = cluster.startPaused();
        Node other = cluster.start(repository -> repository.allowWriteBack(back -> back.neverDrains()));
        other.items.saveAll(items(50), Write.back());
        AtomicLong next = new AtomicLong(50);
        long began = System.nanoTime();
        try (Rule busy = node.faults.watch(
                PendingCounts.class,
                call -> other.items.save(new Item(next.getAndIncrement(), "lamp", 1), Write.back()))) {
            node.items.resumeDrain();

            assertThat(node.understudy.close(TIMEOUT).orElseThrow()).isPositive();
        }

        assertThat(since(began)).isLessThan(EARLY);
        List<Long> all = LongStream.range(0, 50).boxed().toList();
        Map<Long, Row<Item>> rows = cluster.primary.call(
                Primary.Use.LOAD, SOON, connection -> store("item").load(connection, all));
        assertThat(rows).hasSize(50);
    }

    /** Which shards it asks for first depends on its name: of these every second one is the stranger's. */
    @RepeatedTest(4)
    void close_whileAnotherInstanceHoldsAShard_leavesThatToIt() throws Exception {
        Node node = cluster.startPaused();
        cluster.primary.call(
                Primary.Use.DRAIN,
                SOON,
                connection -> cluster.primary.ledger().attend(connection, "item", STRANGER, Duration.ofMinutes(1)));
        assertThat(claimedBy(STRANGER, "item", Set.of(0, 1))).hasSize(2);
        node.items.saveAll(items(50), Write.back());
        long ofTheStranger = items(50).stream()
                .filter(item -> ShardKey.of(Long.toString(item.id()), 4).shard() < 2)
                .count();
        CompletableFuture<Object> lookBefore = new CompletableFuture<>();
        CountDownLatch looks = new CountDownLatch(1);
        node.faults.next(PendingCounts.class, (call, send) -> {
            looks.countDown();
            return lookBefore;
        });
        node.items.resumeDrain();
        assertThat(looks.await(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
        CountDownLatch closing = new CountDownLatch(1);
        node.faults.watch(PendingCounts.class, call -> closing.countDown());
        long began = System.nanoTime();
        CompletableFuture<OptionalLong> left = CompletableFuture.supplyAsync(() -> node.understudy.close(TIMEOUT));
        assertThat(closing.await(SOON.toSeconds(), TimeUnit.SECONDS)).isTrue();
        // So that the drain asks for shards only after the closing has begun.
        lookBefore.completeExceptionally(
                new SharedReplicaFailure(SharedReplicaFailure.Reason.NO_ANSWER, "a fault of the test", null));

        assertThat(left.get(TIMEOUT.toSeconds() + 5, TimeUnit.SECONDS)).hasValue(ofTheStranger);

        assertThat(since(began)).isLessThan(EARLY);
    }

    @Test
    void close_ofRepositoriesThatCannotDrain_givesTheLeasesOfAllBackInTime() {
        Node node = cluster.start();
        isStuck.set(true);
        node.items.saveAll(items(50), Write.back());
        List<String> names = List.of("second", "third", "fourth", "fifth", "sixth");
        for (String name : names) {
            CachedRepository<Long, Item> repository = node.understudy
                    .repository(stickable(store(name)))
                    .shared(shared -> shared.shards(SHARDS.size()))
                    .allowWriteBack(back -> back.delay(Duration.ofMillis(10)))
                    .build();
            repository.saveAll(items(50), Write.back());
            await().atMost(SOON).until(() -> repository.counters().drainFailures.sum() > 0);
        }
        long began = System.nanoTime();

        assertThat(node.understudy.close(Duration.ofSeconds(2))).hasValue(300);

        assertThat(since(began)).isLessThan(Duration.ofSeconds(4));
        names.forEach(name -> assertThat(claimedBy(STRANGER, name, SHARDS)).isEqualTo(SHARDS));
    }
}
