package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Consistency;
import dev.understudy.model.Invalid;
import dev.understudy.model.NearStatus;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.FaultySharedReplica.Positions;
import dev.understudy.spi.FaultySharedReplica.Reading;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.ForwardingPrimary;
import dev.understudy.spi.InMemoryCodec;
import dev.understudy.spi.InMemoryNearReplica;
import dev.understudy.spi.InMemoryPrimary;
import dev.understudy.spi.InMemoryStore;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Freshness under load: entries that end, loads that fail or are slow, and what the replica says of itself. */
class FreshnessTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Item ROW = new Item(1, "row", 1);
    private static final Item CHANGED = new Item(1, "changed", 2);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    /** Found by the simulator: the announcement of another instance's write is on its way while a load from before it is. */
    @Test
    void loadUnderWay_olderThanTheBound_isNotJoined() throws Exception {
        Node writer = cluster.start();
        Node reader = cluster.start();
        reader.connection.holdAnnouncements();
        Hold hold = new Hold();
        reader.faults.next(SharedCommand.Fill.class, Fault.heldBefore(hold));
        CompletableFuture<Optional<Item>> before = CompletableFuture.supplyAsync(
                () -> reader.items.read(1L, Read.eventual()).value());
        assertThat(hold.awaitArrival(SOON)).isTrue();
        writer.items.save(ROW);

        assertThat(reader.items.read(1L, Read.bounded(Duration.ZERO)).value()).contains(ROW);

        hold.release();
        before.get(10, TimeUnit.SECONDS);
        reader.connection.releaseAnnouncements();
    }

    @Test
    void find_ofARepositoryThatReadsStrongly_seesWhatIsCommittedAndNotYetTold() throws Exception {
        Node writer = cluster.start();
        Node reader = cluster.start(repository -> repository.consistency(Consistency.STRONG));
        writer.items.save(ROW);
        Hold untold = new Hold();
        writer.faults.next(SharedCommand.Apply.class, Fault.heldBefore(untold));
        CompletableFuture<?> write = CompletableFuture.runAsync(() -> writer.items.save(CHANGED));
        assertThat(untold.awaitArrival(SOON)).isTrue();

        assertThat(reader.items.find(1L)).contains(CHANGED);

        untold.release();
        write.get(10, TimeUnit.SECONDS);
    }

    @Test
    void hit_shortlyBeforeTheEntrysEnd_renewsItInTheBackground() {
        Node node = cluster.start(repository ->
                repository.near(near -> near.timeToLive(Duration.ofMillis(400)).refreshAhead(Duration.ofMillis(200))));
        node.items.save(ROW);
        long loads = node.items.counters().sharedHits.sum();

        await().atMost(SOON)
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(10))
                .untilAsserted(() -> {
                    assertThat(node.items.find(1L)).contains(ROW);
                    assertThat(node.items.counters().renewals.sum()).isPositive();
                });
        await().atMost(SOON)
                .untilAsserted(
                        () -> assertThat(node.items.counters().sharedHits.sum()).isGreaterThan(loads));
    }

    @Test
    void expiredEntry_withinMaxStale_servesWhileItIsLoadedOnce() throws Exception {
        Node node = cluster.start(repository ->
                repository.near(near -> near.timeToLive(Duration.ofMillis(1)).maxStale(Duration.ofMinutes(1))));
        node.items.save(ROW);
        Hold hold = new Hold();
        node.faults.next(Reading.class, Fault.heldBefore(hold));

        await().atMost(SOON).until(() -> {
            assertThat(node.items.find(1L)).as("nobody waits").contains(ROW);
            return node.items.counters().renewals.sum() > 0;
        });
        assertThat(hold.awaitArrival(SOON)).isTrue();
        assertThat(node.items.find(1L)).contains(ROW);
        assertThat(node.items.counters().renewals.sum()).as("loads under way").isEqualTo(1);
        hold.release();
    }

    @Test
    void load_slow_isAnsweredFromTheOlderEntryAfterThePatience() throws Exception {
        Node node = cluster.start(repository -> repository.near(near -> near.maxStale(Duration.ofMinutes(1))
                .patience(Duration.ofMillis(20))
                .maxStaleness(Duration.ofHours(1))));
        node.items.save(ROW);
        node.connection.disconnect();
        Hold hold = new Hold();
        node.faults.next(Reading.class, Fault.heldBefore(hold));

        Versioned<Item> read = node.items.read(1L, Read.defaults());

        assertThat(read.value()).contains(ROW);
        assertThat(read.tier()).isEqualTo(Tier.NEAR);
        assertThat(node.items.counters().staleReads.sum()).isEqualTo(1);
        hold.release();
        await().atMost(SOON)
                .untilAsserted(() ->
                        assertThat(node.items.read(1L, Read.defaults()).tier()).isNotEqualTo(Tier.PRIMARY));
    }

    @Test
    void load_failing_isAnsweredWithinMaxStaleOnly() {
        Node node = cluster.start(repository -> repository
                .timeout(Duration.ofMillis(500))
                .near(near -> near.maxStale(Duration.ofMinutes(1)).timeToLive(Duration.ofMillis(1)))
                .allowWriteBack(back -> {}));
        node.items.save(ROW);
        cluster.server.reachable(false);
        cluster.primary.away(true);

        assertThat(node.items.read(1L, Read.defaults()).value()).contains(ROW);
        assertThat(node.items.read(1L, Read.eventual()).ageBound()).isLessThan(Duration.ofMinutes(1));
        assertThatThrownBy(() -> node.items.read(1L, Read.bounded(Duration.ofNanos(1))))
                .as("a bound that the call names itself")
                .isInstanceOf(UnderstudyException.class);
        assertThatThrownBy(() -> node.items.in(Session.start()).find(1L)).isInstanceOf(UnderstudyException.class);
        cluster.primary.away(false);
        cluster.server.reachable(true);
    }

    @Test
    void fill_thatLostItsLease_isNotInstalled() throws Exception {
        Node node = cluster.start();
        Node other = cluster.start();
        node.items.save(ROW);
        node.items.invalidate(List.of(1L));
        node.connection.holdAnnouncements();
        Hold hold = new Hold();
        node.faults.next(SharedCommand.Fill.class, Fault.heldBefore(hold));
        CompletableFuture<Optional<Item>> read = CompletableFuture.supplyAsync(() -> node.items.find(1L));
        assertThat(hold.awaitArrival(SOON)).isTrue();
        other.items.save(CHANGED);
        hold.release();
        read.get(10, TimeUnit.SECONDS);

        assertThat(node.items.find(1L)).as("announcements still held").contains(CHANGED);
        node.connection.releaseAnnouncements();
    }

    @Test
    void encoded_keepsBytes_soThatEachReadHasItsOwnObject() {
        Node node = cluster.start(repository -> repository.near(near -> near.encoded()));
        node.items.save(ROW);

        Item one = node.items.find(1L).orElseThrow();
        Item other = node.items.find(1L).orElseThrow();

        assertThat(one).isEqualTo(ROW).isNotSameAs(other).isNotSameAs(ROW);
        assertThat(node.items.counters().nearHits.sum()).isEqualTo(2);
    }

    @Test
    void maximumBytes_boundsTheReplicaByWeight() {
        Node node = cluster.start(repository -> repository.near(near -> near.maximumBytes(2_000)));
        for (int id = 0; id < 50; id++) {
            node.items.save(new Item(id, "x".repeat(100), 1));
        }

        assertThat(node.items.nearStatus().entries()).isBetween(1L, 10L);
    }

    @Test
    void settings_thatContradict_areRefused() {
        assertThatThrownBy(() -> cluster.start(repository ->
                        repository.near(near -> near.maximumBytes(2_000).maximumSize(5))))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("near.maximumBytes");
        assertThatThrownBy(() ->
                        cluster.start(repository -> repository.near(near -> near.refreshAhead(Duration.ofMinutes(1)))))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("near.refreshAhead");
        assertThatThrownBy(
                        () -> cluster.start(repository -> repository.near(near -> near.patience(Duration.ofMillis(1)))))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("near.maxStale");
        assertThatThrownBy(() ->
                        cluster.start(repository -> repository.near(near -> near.maxStaleness(Duration.ofMillis(499)))))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("PT0.5S");
    }

    @Test
    void maxStaleness_belowThreePulls_isRefusedWithTheSmallestPossible() {
        Executor later = CompletableFuture.delayedExecutor(300, TimeUnit.MILLISECONDS);
        Fault slow =
                (call, send) -> CompletableFuture.supplyAsync(() -> 0, later).thenCompose(nothing -> send.get());

        assertThatThrownBy(() -> cluster.start(
                        repository -> repository.near(near -> near.maxStaleness(Duration.ofMillis(500))),
                        faults -> faults.every(Positions.class, slow)))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("near.maxStaleness = PT0.5S")
                .hasMessageMatching(".*the smallest possible is PT(0\\.9|[1-9]).*");
    }

    @Test
    void nearStatus_tellsPositionStalenessAndTiers() {
        Node node = cluster.start(repository -> repository.near(near -> near.maxStaleness(Duration.ofMillis(500))));
        node.items.save(ROW);
        node.items.find(1L);
        await().atMost(SOON).untilAsserted(() -> {
            NearStatus status = node.items.nearStatus();
            assertThat(status.position()).isPositive();
            assertThat(status.unconfirmed()).isZero();
            assertThat(status.stalenessP99()).isPositive();
        });
        NearStatus before = node.items.nearStatus();
        assertThat(before.reads().near()).isEqualTo(1);
        assertThat(before.entries()).isEqualTo(1);
        try (Rule rule = node.faults.every(Positions.class, Fault.notSent())) {
            await().atMost(SOON)
                    .untilAsserted(() ->
                            assertThat(node.items.nearStatus().staleness()).isGreaterThan(Duration.ofMillis(500)));
            assertThat(node.items.nearStatus().failedPulls()).isGreaterThan(before.failedPulls());
        }
    }

    /** Looks for missed changes wait for the primary; what confirms the near replicas does not wait for them. */
    @Test
    void primaryHangs_nearReplicasOfManyRepositories_stayConfirmed() {
        InMemoryPrimary primary = new InMemoryPrimary();
        AtomicBoolean hangs = new AtomicBoolean();
        Duration bound = Duration.ofMillis(500);
        try (Understudy understudy = Understudy.builder()
                .namespace("shop")
                .shared(cluster.server::connect)
                .primary(() -> new ForwardingPrimary(primary) {
                    @Override
                    public <T> T call(Use use, Duration timeout, Work<T> work) {
                        if (hangs.get()) {
                            await().pollDelay(timeout)
                                    .timeout(timeout.plusSeconds(10))
                                    .until(() -> true);
                        }
                        return super.call(use, timeout, work);
                    }
                })
                .near(InMemoryNearReplica.factory())
                .codec(new InMemoryCodec())
                .build()) {
            List<CachedRepository<Long, Item>> all = Stream.of("a", "b", "c", "d")
                    .map(name -> understudy
                            .repository(new InMemoryStore<>(
                                    name, Long.class, Item.class, Versioning.column("us_version"), Item::id))
                            .near(near -> near.maxStaleness(bound))
                            .build())
                    .toList();
            hangs.set(true);

            await().during(Duration.ofSeconds(3))
                    .atMost(Duration.ofSeconds(30))
                    .until(() -> all.stream()
                            .allMatch(one -> one.nearStatus().staleness().compareTo(bound) < 0));

            hangs.set(false);
        }
    }
}
