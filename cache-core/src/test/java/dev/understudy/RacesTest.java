package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Replication;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.FaultySharedReplica.Positions;
import dev.understudy.spi.FaultySharedReplica.Reading;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.InMemorySharedServer.Snapshot;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplicaFailure;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RacesTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Item OLD = new Item(1, "old", 1);
    private static final Item NEW = new Item(1, "new", 2);

    private Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    @ParameterizedTest
    @CsvSource({"none,THROUGH", "column,THROUGH", "column,BACK", "trigger,THROUGH", "trigger,BACK"})
    void fill_begunBeforeAWrite_neverReplacesIt(String versioning, WriteMode mode) throws Exception {
        cluster = new Cluster(versioning(versioning));
        Node reader = cluster.start();
        Node writer = cluster.start();
        writer.items.save(OLD);
        cluster.server.evict("shop", "item", ShardKey.of("1", 4));
        reader.items.invalidate(List.of(1L));
        Hold hold = new Hold();
        reader.faults.next(SharedCommand.Fill.class, Fault.heldBefore(hold));
        CompletableFuture<Optional<Item>> read = CompletableFuture.supplyAsync(() -> reader.items.find(1L));
        assertThat(hold.awaitArrival(SOON)).isTrue();

        writer.items.save(NEW, in(mode));
        hold.release();

        assertThat(read.get(10, TimeUnit.SECONDS)).contains(OLD);
        assertThat(writer.items.find(1L)).contains(NEW);
        assertThat(reader.items.find(1L)).contains(NEW);
        assertThat(reader.items.read(1L, Read.strong()).value()).contains(NEW);
    }

    @ParameterizedTest
    @EnumSource(WriteMode.class)
    void nearInstall_overtakenByAWrite_isNotInstalled(WriteMode mode) throws Exception {
        Node reader = cluster.start();
        Node writer = cluster.start();
        writer.items.save(OLD);
        Hold hold = new Hold();
        reader.faults.next(Reading.class, Fault.heldAfter(hold));
        CompletableFuture<Optional<Item>> read = CompletableFuture.supplyAsync(() -> reader.items.find(1L));
        assertThat(hold.awaitArrival(SOON)).isTrue();

        writer.items.save(NEW, in(mode));
        hold.release();

        assertThat(read.get(10, TimeUnit.SECONDS)).contains(OLD);
        assertThat(reader.items.find(1L)).contains(NEW);
        assertThat(reader.items.counters().lateInstalls.sum()).isPositive();
    }

    @Test
    void nearInstall_ofAnOwnWriteOvertaken_isNotInstalled() throws Exception {
        Node one = cluster.start();
        Node other = cluster.start();
        one.items.save(OLD);
        Hold hold = new Hold();
        one.faults.next(SharedCommand.Apply.class, Fault.heldAfter(hold));
        CompletableFuture<WriteReceipt> save = CompletableFuture.supplyAsync(() -> one.items.save(NEW));
        assertThat(hold.awaitArrival(SOON)).isTrue();

        other.items.save(new Item(1, "newest", 3));
        hold.release();
        save.get(10, TimeUnit.SECONDS);

        assertThat(one.items.find(1L)).contains(new Item(1, "newest", 3));
    }

    /** The answer of the slow load is waited for, however often the lease has to be asked for. */
    @Test
    void find_whileAnotherInstanceLoadsSlowly_waitsForItsFill() throws Exception {
        Node one = cluster.start();
        Node other = cluster.start();
        one.items.save(OLD);
        cluster.server.evict("shop", "item", ShardKey.of("1", 4));
        one.items.invalidate(List.of(1L));
        Hold hold = new Hold();
        one.faults.next(SharedCommand.Fill.class, Fault.heldBefore(hold));
        AtomicInteger asked = new AtomicInteger();
        Rule counted = other.faults.every(SharedCommand.Lease.class, (call, send) -> {
            asked.incrementAndGet();
            return send.get();
        });
        CompletableFuture<Optional<Item>> slow = CompletableFuture.supplyAsync(() -> one.items.find(1L));
        assertThat(hold.awaitArrival(SOON)).isTrue();
        CompletableFuture<Optional<Item>> waiting = CompletableFuture.supplyAsync(() -> other.items.find(1L));
        await().atMost(SOON).until(() -> asked.get() > 12);

        hold.release();

        assertThat(slow.get(10, TimeUnit.SECONDS)).contains(OLD);
        assertThat(waiting.get(10, TimeUnit.SECONDS)).contains(OLD);
        assertThat(other.items.counters().primaryLoads.sum()).isZero();
        counted.close();
    }

    @Test
    void find_afterAnOwnWrite_doesNotJoinAnOlderLoad() throws Exception {
        Node one = cluster.start(repository -> repository.near(near -> near.maximumSize(0)));
        one.items.save(OLD);
        one.items.invalidate(List.of(1L));
        Hold hold = new Hold();
        one.faults.next(SharedCommand.Fill.class, Fault.heldBefore(hold));
        CompletableFuture<Optional<Item>> read = CompletableFuture.supplyAsync(() -> one.items.find(1L));
        assertThat(hold.awaitArrival(SOON)).isTrue();

        one.items.save(NEW);

        assertThat(one.items.find(1L)).contains(NEW);
        hold.release();
        read.get(10, TimeUnit.SECONDS);
        assertThat(one.items.find(1L)).contains(NEW);
    }

    @Test
    void find_announcementsLost_isFreshWithinTheBound() {
        Node reader = cluster.start(repository -> repository.near(near -> near.maxStaleness(Duration.ofMillis(500))));
        Node writer = cluster.start();
        writer.items.save(OLD);
        assertThat(reader.items.find(1L)).contains(OLD);
        reader.connection.dropAnnouncements(true);

        writer.items.save(NEW);

        await().atMost(Duration.ofMillis(700)).until(() -> reader.items.find(1L).equals(Optional.of(NEW)));
    }

    @Test
    void find_announcementsAndPullsLost_isFreshWithinTheBound() {
        Node reader = cluster.start(repository -> repository.near(near -> near.maxStaleness(Duration.ofMillis(500))));
        Node writer = cluster.start();
        writer.items.save(OLD);
        assertThat(reader.items.find(1L)).contains(OLD);
        reader.connection.dropAnnouncements(true);
        try (Rule rule = reader.faults.every(Positions.class, Fault.notSent())) {
            writer.items.save(NEW);

            await().atMost(Duration.ofMillis(700))
                    .until(() -> reader.items.find(1L).equals(Optional.of(NEW)));
        }
    }

    /** What an exporter tells while nothing can be confirmed. */
    @Test
    void nearStatus_positionsCannotBePulled_growsOlderAndCountsWhatItDoesNotServe() {
        Node one = cluster.start(repository -> repository.near(near -> near.maxStaleness(Duration.ofMillis(500))));
        one.items.save(OLD);
        assertThat(one.items.find(1L)).contains(OLD);
        try (Rule rule = one.faults.every(Positions.class, Fault.notSent())) {
            await().atMost(SOON).until(() -> one.items.nearStatus().staleness().compareTo(Duration.ofMillis(700)) > 0);
            assertThat(one.items.find(1L)).contains(OLD);
        }
        assertThat(one.items.nearStatus().reads().nearBypassed()).isPositive();
        cluster.server.flush();
        assertThat(one.items.nearStatus().staleness()).isPositive();
    }

    @Test
    void save_applyReplyLost_endsRightAndReturns() {
        Node one = cluster.start();
        Node other = cluster.start();
        one.items.save(OLD);
        one.faults.next(SharedCommand.Apply.class, Fault.replyLost());

        one.items.save(NEW);

        assertThat(one.items.find(1L)).contains(NEW);
        await().atMost(SOON).until(() -> other.items.find(1L).equals(Optional.of(NEW)));
    }

    @Test
    void save_applyNeverArrives_tellsAppliedAndIsToldLater() {
        Node one = cluster.start(repository -> repository.timeout(Duration.ofMillis(300)));
        Node other = cluster.start();
        one.items.save(OLD);
        other.items.find(1L);
        try (Rule rule = one.faults.every(SharedCommand.Apply.class, Fault.notSent())) {
            assertThatThrownBy(() -> one.items.save(NEW))
                    .isInstanceOfSatisfying(
                            UnderstudyException.class,
                            e -> assertThat(e.outcome()).isEqualTo(Outcome.APPLIED));
        }

        assertThat(other.items.read(1L, Read.strong()).value()).contains(NEW);
        await().atMost(SOON).until(() -> other.items.find(1L).equals(Optional.of(NEW)));
    }

    @Test
    void save_prepareFails_appliesNothing() {
        Node one = cluster.start();
        one.items.save(OLD);
        one.faults.next(SharedCommand.Prepare.class, Fault.notSent());

        assertThatThrownBy(() -> one.items.save(NEW))
                .isInstanceOfSatisfying(
                        Unavailable.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));

        assertThat(one.items.read(1L, Read.strong()).value()).contains(OLD);
    }

    @Test
    void writeBack_replyLost_isResolvedByItsIdentity() {
        Node one = cluster.startPaused();
        one.items.save(OLD);
        one.faults.next(SharedCommand.WriteBack.class, Fault.replyLost());

        one.items.save(NEW, Write.back());

        assertThat(one.items.find(1L)).contains(NEW);
        assertThat(one.items.writeBackStatus().acked()).isEqualTo(1);
    }

    @Test
    void drain_drainedReplyLost_writesTheRowOnceMoreWithoutHarm() {
        Node one = cluster.startPaused();
        one.faults.next(SharedCommand.Drained.class, Fault.notSent());
        WriteReceipt receipt = one.items.save(NEW, Write.back());

        one.items.resumeDrain();

        assertThat(receipt.awaitCommitted(SOON)).isEqualTo(Replication.COMMITTED);
        assertThat(one.items.drain(SOON)).isZero();
        assertThat(WriteModesTest.assertConserved(one, 1).applied()).isEqualTo(1);
    }

    @Test
    void drain_poisonRow_costsOnlyItself() {
        cluster = new Cluster(
                Versioning.column("us_version"),
                store -> store.refusing(item -> item.name().equals("poison")));
        Node one = cluster.startPaused();
        one.items.save(new Item(2, "a", 1), Write.back());
        WriteReceipt poison = one.items.save(new Item(3, "poison", 1), Write.back());
        one.items.save(new Item(4, "b", 1), Write.back());

        one.items.resumeDrain();

        assertThat(one.items.drain(SOON)).isZero();
        assertThat(one.items.findAll(List.of(2L, 3L, 4L))).containsOnlyKeys(2L, 4L);
        assertThat(poison.awaitCommitted(SOON)).isEqualTo(Replication.DEAD);
        WriteBackStatus status = WriteModesTest.assertConserved(one, 3);
        assertThat(status.dead()).isEqualTo(1);
        assertThat(status.applied()).isEqualTo(2);
    }

    @Test
    void drain_primaryStoresSomethingElse_correctsTheReplicas() {
        cluster = new Cluster(
                Versioning.column("us_version"),
                store -> store.storing(
                        item -> new Item(item.id(), item.name().toUpperCase(Locale.ROOT), item.amount())));
        Node one = cluster.startPaused();
        Node other = cluster.startPaused();
        one.items.save(NEW, Write.back());
        assertThat(other.items.find(1L)).contains(NEW);

        one.items.resumeDrain();

        assertThat(one.items.drain(SOON)).isZero();
        for (Node node : List.of(one, other)) {
            await().atMost(SOON).until(() -> node.items.find(1L).equals(Optional.of(new Item(1, "NEW", 2))));
        }
    }

    @Test
    void sharedReplicaAway_throughOnly_readsGoOnFromThePrimary() {
        cluster = new Cluster(Versioning.column("us_version"));
        Node one = cluster.start(repository -> repository.timeout(Duration.ofMillis(500)));
        one.items.save(OLD);
        cluster.server.reachable(false);

        assertThat(one.items.read(1L, Read.bounded(Duration.ZERO)).tier()).isEqualTo(Tier.PRIMARY);
        assertThat(one.items.read(1L, Read.strong()).value()).contains(OLD);
        assertThatThrownBy(() -> one.items.save(NEW))
                .isInstanceOfSatisfying(
                        UnderstudyException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));

        cluster.server.reachable(true);
        // Refused until the breaker asks again.
        await().atMost(SOON).ignoreExceptions().untilAsserted(() -> one.items.save(NEW));
        assertThat(one.items.find(1L)).contains(NEW);
    }

    @Test
    void sharedReplicaAway_withWriteBack_marksReadsAndRefusesStrongOnes() {
        Node one = cluster.startPaused();
        one.items.save(OLD);
        one.items.save(NEW, Write.back());
        cluster.server.reachable(false);

        assertThat(one.items.read(1L, Read.bounded(Duration.ZERO)).mayTrail()).isTrue();
        assertThatThrownBy(() -> one.items.read(1L, Read.strong())).isInstanceOf(Unavailable.class);
    }

    @Test
    void flush_writerAlive_restoresWhatWasAcknowledged() {
        Node one = cluster.startPaused();
        one.items.save(OLD);
        one.items.save(NEW, Write.back());
        one.items.save(new Item(2, "other", 1), Write.back());

        cluster.server.flush();

        await().atMost(SOON).until(() -> one.items.lag().entries() == 2);
        one.items.resumeDrain();
        assertThat(one.items.drain(SOON)).isZero();
        assertThat(one.items.read(1L, Read.strong()).value()).contains(NEW);
        assertThat(one.items.read(2L, Read.strong()).value()).contains(new Item(2, "other", 1));
        assertThat(one.items.writeBackStatus().isConserved()).isTrue();
        assertThat(one.items.counters().restoredWrites.sum()).isEqualTo(2);
    }

    @Test
    void flush_newerWriteThatNobodyKnowsOf_restoresTheAcknowledgedOne() {
        Node one = cluster.startPaused();
        Node two = cluster.startPaused();
        one.items.save(OLD, Write.back());
        two.faults.next(
                SharedCommand.WriteBack.class,
                (call, send) -> send.get().thenCompose(reply -> {
                    // The newer write is announced to the older one's writer, and then nobody has it.
                    cluster.server.flush();
                    return CompletableFuture.failedFuture(
                            new SharedReplicaFailure(SharedReplicaFailure.Reason.NO_ANSWER, "lost", null));
                }));
        assertThatThrownBy(() -> two.items.save(NEW, Write.back())).isInstanceOf(Unavailable.class);

        await().atMost(SOON).until(() -> one.items.lag().entries() == 1);
        one.items.resumeDrain();
        assertThat(one.items.drain(SOON)).isZero();
        assertThat(one.items.read(1L, Read.strong()).value()).contains(OLD);
    }

    @Test
    void flush_betweenAWritesReplyAndItsReturn_restoresIt() {
        Node one = cluster.startPaused();
        int others = 20;
        for (int id = 2; id < 2 + others; id++) {
            one.items.save(new Item(id, "of any shard", 1), Write.back());
        }
        one.faults.next(SharedCommand.WriteBack.class, Fault.after(() -> {
            cluster.server.flush();
            await().atMost(SOON).until(() -> one.items.counters().restoredWrites.sum() == others);
        }));
        one.items.save(OLD, Write.back().timeout(SOON));

        await().atMost(SOON).until(() -> one.items.lag().entries() == others + 1);
        one.items.resumeDrain();
        assertThat(one.items.drain(SOON)).isZero();
        assertThat(one.items.read(1L, Read.strong()).value()).contains(OLD);
    }

    @Test
    void rollback_deletedMeanwhile_staysDeleted() {
        Node one = cluster.start();
        one.items.save(OLD, Write.back());
        assertThat(one.items.drain(SOON)).isZero();
        one.items.save(NEW, Write.back());
        Snapshot before = cluster.server.snapshot();
        one.items.drain(SOON);
        one.items.delete(1L);

        cluster.server.rollback(before);

        await().atMost(SOON).until(() -> one.items.lag().entries() == 0);
        await().atMost(SOON).until(() -> one.items.find(1L).isEmpty());
        assertThat(one.items.read(1L, Read.strong()).value()).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void session_announcementsHeld_readsItsOwnWriteOnAnotherInstance(boolean deletes) {
        Node one = cluster.start();
        Node other = cluster.start();
        one.items.save(OLD);
        assertThat(other.items.find(1L)).contains(OLD);
        long pulls = other.items.counters().pulls.sum();
        // Confirmed after it was loaded: nothing but what the session wrote keeps the near entry from it.
        await().atMost(SOON).until(() -> other.items.counters().pulls.sum() > pulls);
        other.connection.holdAnnouncements();
        Session session = Session.start();

        if (deletes) {
            one.items.in(session).delete(1L);
        } else {
            one.items.in(session).save(NEW);
        }

        Session resumed = Session.resume(session.token());
        assertThat(other.items.find(1L))
                .as("without the session, within the bound")
                .contains(OLD);
        assertThat(other.items.in(resumed).find(1L)).isEqualTo(deletes ? Optional.empty() : Optional.of(NEW));
        other.connection.releaseAnnouncements();
    }

    @Test
    void session_neverGoesBack_overInstances() {
        Node one = cluster.start();
        Node other = cluster.start();
        one.items.save(OLD);
        other.items.find(1L);
        other.connection.holdAnnouncements();
        one.items.save(NEW);
        Session session = Session.start();
        assertThat(one.items.in(session).find(1L)).contains(NEW);

        Session elsewhere = Session.resume(session.token());

        assertThat(other.items.in(elsewhere).find(1L)).contains(NEW);
        other.connection.releaseAnnouncements();
    }

    @Test
    void transaction_rolledBack_leavesAllCopies() {
        Node one = cluster.start();
        one.items.save(OLD);

        assertThatThrownBy(() -> one.understudy.inTransaction(tx -> {
                    tx.on(one.items).save(NEW);
                    assertThat(tx.on(one.items).find(1L)).contains(NEW);
                    throw new IllegalStateException("changed my mind");
                }))
                .isInstanceOf(IllegalStateException.class);

        assertThat(one.items.find(1L)).contains(OLD);
        assertThat(one.items.read(1L, Read.strong()).value()).contains(OLD);
    }

    @Test
    void transaction_ownExceptionAroundThePrimarys_passesThroughAsItIs() {
        Node one = cluster.start();
        IllegalStateException own = new IllegalStateException("mine", new SQLException("x", "23505"));

        assertThatThrownBy(() -> one.understudy.inTransaction(tx -> {
                    throw own;
                }))
                .isSameAs(own);
    }

    @Test
    void transaction_committed_isSeenEverywhere() {
        Node one = cluster.start();
        Node other = cluster.start();
        one.items.save(OLD);
        other.items.find(1L);

        one.understudy.inTransaction(tx -> {
            tx.on(one.items).save(NEW);
            tx.on(one.items).insert(new Item(2, "two", 2));
            return tx.on(one.items).update(2L, item -> new Item(2, "two", 3));
        });

        assertThat(one.items.find(1L)).contains(NEW);
        assertThat(one.items.find(2L)).contains(new Item(2, "two", 3));
        await().atMost(SOON).until(() -> other.items.find(1L).equals(Optional.of(NEW)));
    }

    private static Versioning versioning(String name) {
        return switch (name) {
            case "none" -> Versioning.none();
            case "column" -> Versioning.column("us_version");
            default -> Versioning.columnAndTrigger("us_version");
        };
    }

    private static Write in(WriteMode mode) {
        return mode == WriteMode.BACK ? Write.back() : Write.through();
    }
}
