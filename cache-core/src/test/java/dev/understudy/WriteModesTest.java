package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Ack;
import dev.understudy.model.Conflict;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Invalid;
import dev.understudy.model.PartlyWritten;
import dev.understudy.model.Read;
import dev.understudy.model.Replication;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Item;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class WriteModesTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "column", "trigger"})
    void save_writeThrough_isReadEverywhere(String versioning) {
        cluster = new Cluster(
                switch (versioning) {
                    case "none" -> Versioning.none();
                    case "column" -> Versioning.column("us_version");
                    default -> Versioning.columnAndTrigger("us_version");
                });
        Node one = cluster.start();
        Node other = cluster.start();
        assertThat(other.items.find(1L)).isEmpty();

        one.items.save(new Item(1, "lamp", 3));

        assertThat(one.items.find(1L)).contains(new Item(1, "lamp", 3));
        assertThat(other.items.read(1L, Read.strong()).value()).contains(new Item(1, "lamp", 3));
        await().atMost(SOON).until(() -> other.items.find(1L).isPresent());
    }

    @Test
    void save_writeBack_isReadEverywhereBeforeThePrimaryHasIt() {
        Node one = cluster.startPaused();
        Node other = cluster.startPaused();

        WriteReceipt receipt = one.items.save(new Item(1, "lamp", 3), Write.back());

        assertThat(receipt.mode()).isEqualTo(WriteMode.BACK);
        assertThat(other.items.read(1L, Read.strong()).value()).contains(new Item(1, "lamp", 3));
        assertThat(other.items.find(1L)).contains(new Item(1, "lamp", 3));
        assertThat(one.items.lag().entries()).isEqualTo(1);
        assertThat(receipt.awaitCommitted(Duration.ofMillis(30))).isEqualTo(Replication.PENDING);

        other.items.resumeDrain();

        assertThat(receipt.awaitCommitted(SOON)).isEqualTo(Replication.COMMITTED);
        assertConserved(one, 1);
    }

    @Test
    void save_writeBack_asksTheServerForTheAckLevelOncePerGeneration() {
        Node one = cluster.startPaused();
        List<Ack> asked = new ArrayList<>();
        cluster.server.refusal(ack -> {
            asked.add(ack);
            return Optional.empty();
        });

        one.items.save(new Item(1, "lamp", 3), Write.back().ack(Ack.FSYNCED));
        one.items.save(new Item(2, "lamp", 3), Write.back().ack(Ack.FSYNCED));
        one.items.save(new Item(3, "lamp", 3), Write.back());

        // The default level was asked for at the start.
        assertThat(asked).containsExactly(Ack.FSYNCED);
    }

    @Test
    void save_ownWrite_isServedByTheNearReplica() {
        Node one = cluster.start();

        one.items.save(new Item(1, "lamp", 3));

        Versioned<Item> read = one.items.read(1L, Read.eventual());
        assertThat(read.tier()).isEqualTo(Tier.NEAR);
        assertThat(read.value()).contains(new Item(1, "lamp", 3));
    }

    @ParameterizedTest
    @EnumSource(WriteMode.class)
    void saveThenDelete_endsAbsentEverywhere(WriteMode first) {
        for (WriteMode second : WriteMode.values()) {
            Node one = cluster.start();
            Node other = cluster.start();
            other.items.save(new Item(7, "old", 1));
            other.items.find(7L);

            one.items.save(new Item(7, "new", 2), in(first));
            other.items.delete(7L, in(second));

            one.items.drain(SOON);
            for (Node node : List.of(one, other)) {
                assertThat(node.items.read(7L, Read.strong()).value()).isEmpty();
                await().atMost(SOON).until(() -> node.items.find(7L).isEmpty());
            }
            cluster.close();
            cluster = new Cluster(Versioning.column("us_version"));
        }
    }

    @ParameterizedTest
    @EnumSource(WriteMode.class)
    void deleteThenSave_endsWithTheValueEverywhere(WriteMode first) {
        for (WriteMode second : WriteMode.values()) {
            Node one = cluster.start();
            Node other = cluster.start();
            other.items.save(new Item(7, "old", 1));
            other.items.find(7L);

            one.items.delete(7L, in(first));
            other.items.save(new Item(7, "new", 2), in(second));

            one.items.drain(SOON);
            for (Node node : List.of(one, other)) {
                assertThat(node.items.read(7L, Read.strong()).value()).contains(new Item(7, "new", 2));
                await().atMost(SOON).until(() -> node.items.find(7L).equals(Optional.of(new Item(7, "new", 2))));
            }
            cluster.close();
            cluster = new Cluster(Versioning.column("us_version"));
        }
    }

    @ParameterizedTest
    @EnumSource(WriteMode.class)
    void conditions_areJudgedAgainstTheCurrentValue(WriteMode mode) {
        Node one = cluster.startPaused();
        WriteReceipt receipt = one.items.insert(new Item(1, "lamp", 1), in(mode));

        assertThatThrownBy(() -> one.items.insert(new Item(1, "lamp", 2), in(mode)))
                .isInstanceOfSatisfying(
                        Conflict.class, e -> assertThat(e.currentVersion()).isEqualTo(receipt.version()));
        assertThatThrownBy(() -> one.items.save(new Item(1, "lamp", 2), in(mode).ifVersion(new Version(2))))
                .isInstanceOf(Conflict.class);
        assertThatThrownBy(() -> one.items.update(9L, item -> item, in(mode))).isInstanceOf(Conflict.class);

        one.items.save(new Item(1, "lamp", 2), in(mode).ifVersion(receipt.version()));

        assertThat(one.items.read(1L, Read.strong()).value()).contains(new Item(1, "lamp", 2));
    }

    @Test
    void conditions_throughOnAPendingWrite_areJudgedAgainstIt() {
        Node one = cluster.startPaused();
        WriteReceipt pending = one.items.insert(new Item(1, "lamp", 1), Write.back());

        assertThatThrownBy(() -> one.items.insert(new Item(1, "lamp", 2), Write.through()))
                .isInstanceOf(Conflict.class);
        one.items.save(new Item(1, "lamp", 2), Write.through().ifVersion(pending.version()));
        one.items.resumeDrain();

        assertThat(one.items.drain(SOON)).isZero();
        assertThat(one.items.read(1L, Read.strong()).value()).contains(new Item(1, "lamp", 2));
        assertConserved(one, 1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"THROUGH", "BACK", "MIXED"})
    void update_eightCallersOnTwoInstances_losesNothing(String modes) throws Exception {
        Node one = cluster.start();
        Node other = cluster.start();
        one.items.save(new Item(1, "counter", 0));
        ExecutorService callers = Executors.newFixedThreadPool(8);
        List<Future<?>> done = new ArrayList<>();
        for (int caller = 0; caller < 8; caller++) {
            Node node = caller % 2 == 0 ? one : other;
            Write mode = modes.equals("MIXED")
                    ? in(caller % 4 < 2 ? WriteMode.THROUGH : WriteMode.BACK)
                    : in(WriteMode.valueOf(modes));
            done.add(callers.submit(() -> {
                for (int i = 0; i < 10; i++) {
                    increment(node, mode.timeout(Duration.ofSeconds(20)));
                }
            }));
        }
        for (Future<?> each : done) {
            each.get();
        }
        callers.shutdown();

        one.items.drain(SOON);
        assertThat(one.items.read(1L, Read.strong()).value()).contains(new Item(1, "counter", 80));
    }

    private static void increment(Node node, Write options) {
        while (true) {
            try {
                node.items.update(1L, item -> new Item(item.id(), item.name(), item.amount() + 1), options);
                return;
            } catch (Conflict e) {
                // Too many others at once: as a caller would, once more.
                Thread.onSpinWait();
            }
        }
    }

    @Test
    void saveAll_inChunksWhenTheStoreThrows_saysHowManyAreWritten() {
        IllegalStateException own = new IllegalStateException("the store's own");
        cluster = new Cluster(
                Versioning.column("us_version"),
                store -> store.storing(item -> {
                    if (item.amount() == 666) {
                        throw own;
                    }
                    return item;
                }));
        Node one = cluster.start();
        List<Item> items = LongStream.range(0, 10)
                .mapToObj(i -> new Item(i, "lamp", i == 7 ? 666 : 1))
                .toList();

        assertThatThrownBy(() -> one.items.saveAll(items, Write.through().inChunksOf(3)))
                .isInstanceOfSatisfying(
                        PartlyWritten.class, e -> assertThat(e.written()).isEqualTo(6))
                .hasRootCause(own);
        assertThatThrownBy(() -> one.items.saveAll(items, Write.through().inChunksOf(8)))
                .isSameAs(own);

        assertThat(one.items.findAll(LongStream.range(0, 10).boxed().toList())).hasSize(6);
        assertThatThrownBy(() -> Write.through().inChunksOf(0))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("chunk 0");
        assertThatThrownBy(() -> Write.through().inChunksOf(5_001))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("chunk 5001");
    }

    @Test
    void saveAll_inChunksWhoseTimeIsOver_saysHowManyAreWritten() {
        cluster = new Cluster(
                Versioning.column("us_version"),
                store -> store.storing(item -> {
                    long end = System.nanoTime() + Duration.ofMillis(60).toNanos();
                    while (System.nanoTime() < end) {
                        LockSupport.parkNanos(end - System.nanoTime());
                    }
                    return item;
                }));
        Node one = cluster.start();
        List<Item> items =
                LongStream.range(0, 60).mapToObj(i -> new Item(i, "lamp", 1)).toList();

        PartlyWritten partly = catchThrowableOfType(
                PartlyWritten.class,
                () -> one.items.saveAll(items, Write.through().inChunksOf(1).timeout(Duration.ofSeconds(2))));

        // The last one may have been sent in time, and nobody knows of it.
        assertThat(one.items.findAll(LongStream.range(0, 60).boxed().toList()).size())
                .isBetween(partly.written(), partly.written() + 1)
                .isLessThan(60);
        assertThat(partly).hasCauseInstanceOf(DeadlineExceeded.class);
        assertThat(partly.isRetryable()).isFalse();
    }

    @Test
    void start_withoutWriteBack_onAServerThatMayEvictMarkers_warns() {
        cluster = new Cluster(Versioning.none());
        cluster.server.refusal(ack -> Optional.of("maxmemory-policy allkeys-lru"));
        PrintStream before = System.err;
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        System.setErr(new PrintStream(told, true, StandardCharsets.UTF_8));
        try {
            Node one = cluster.start();
            one.items.save(new Item(1, "lamp", 3));
        } finally {
            System.setErr(before);
        }
        assertThat(told.toString(StandardCharsets.UTF_8)).contains("item: ", "WARN", "allkeys-lru");
    }

    @Test
    void saveAll_writeBack_mergesIntoFewTransactions() {
        Node one = cluster.startPaused();
        List<Item> many =
                LongStream.range(0, 200).mapToObj(i -> new Item(i, "lamp", 1)).toList();

        one.items.saveAll(many, Write.back());
        one.items.saveAll(
                many.stream().map(item -> new Item(item.id(), "lamp", 2)).toList(), Write.back());
        one.items.resumeDrain();

        assertThat(one.items.drain(SOON)).isZero();
        assertThat(one.items.counters().drainBatches.sum()).isLessThanOrEqualTo(4);
        Map<Long, Item> found =
                one.items.findAll(LongStream.range(0, 200).boxed().toList());
        assertThat(found.values()).hasSize(200).allMatch(item -> item.amount() == 2);
        WriteBackStatus status = assertConserved(one, 400);
        assertThat(status.applied()).isEqualTo(200);
        assertThat(status.superseded()).isEqualTo(200);
    }

    @Test
    void writeBack_notAllowed_isRefused() {
        Node one = cluster.start(repository -> {});

        assertThatThrownBy(() -> one.items.save(new Item(1, "lamp", 1), Write.back()))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("write-back is not allowed on item");
    }

    static WriteBackStatus assertConserved(Node node, long acked) {
        WriteBackStatus status = node.items.writeBackStatus();
        assertThat(status.isConserved()).as(status.toString()).isTrue();
        assertThat(status.acked()).isEqualTo(acked);
        return status;
    }

    private static Write in(WriteMode mode) {
        return mode == WriteMode.BACK ? Write.back() : Write.through();
    }
}
