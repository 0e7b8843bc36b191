package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Conflict;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the shared replica hears too late, or twice, and what it forgets of positions; each was found by the simulator. */
class LateOutcomesTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Item OLD = new Item(1, "old", 1);
    private static final Item NEW = new Item(1, "new", 2);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void deleteToldLate_leavesTheWriteBackThatWasAcknowledgedSince() {
        Node cut = cluster.start();
        Node other = cluster.startPaused();
        cut.items.save(OLD);
        AtomicInteger told = new AtomicInteger();
        Rule away = cut.faults.every(SharedCommand.Apply.class, Fault.notSent());
        assertThatThrownBy(() -> cut.items.delete(1L, Write.through().timeout(Duration.ofMillis(200))))
                .isInstanceOfSatisfying(
                        Unavailable.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.APPLIED));
        cut.items.pauseDrain();

        other.items.save(NEW, Write.back());
        away.close();
        cut.faults.every(SharedCommand.Apply.class, Fault.after(told::incrementAndGet));
        await().atMost(SOON).until(() -> told.get() > 0);

        assertThat(other.items.read(1L, Read.strong()).value()).contains(NEW);
        other.items.resumeDrain();
        assertThat(other.items.drain(SOON)).isZero();
        assertThat(other.items.read(1L, Read.strong()).value()).contains(NEW);
    }

    /** Who writes after he saw that the row is deleted must not lose his write to that delete. */
    @Test
    void deleteToldAfterItWasSeen_leavesTheWriteBackThatFollowed() throws Exception {
        Node deleting = cluster.startPaused();
        Node other = cluster.startPaused();
        other.items.save(OLD);
        Hold told = new Hold();
        deleting.faults.next(SharedCommand.Apply.class, Fault.heldBefore(told));
        CompletableFuture<?> delete = CompletableFuture.runAsync(() -> deleting.items.delete(1L));
        assertThat(told.awaitArrival(SOON)).isTrue();
        assertThat(other.items.read(1L, Read.strong()).value()).isEmpty();
        other.items.save(NEW, Write.back());

        told.release();
        delete.get(10, TimeUnit.SECONDS);

        assertThat(other.items.read(1L, Read.strong()).value()).contains(NEW);
        other.items.resumeDrain();
        assertThat(other.items.drain(SOON)).isZero();
        assertThat(other.items.read(1L, Read.strong()).value()).contains(NEW);
    }

    /** Logged after the delete's marker, drained before its SQL, and Redis not told of that yet. */
    @Test
    void deleteOfWhatWasDrainedAfterItsMarker_takesThePendingRecordWithIt() {
        Node deleting = cluster.startPaused();
        Node other = cluster.startPaused();
        other.items.save(OLD);
        Hold drained = new Hold();
        deleting.faults.next(SharedCommand.Prepare.class, Fault.after(() -> {
            other.items.save(NEW, Write.back());
            other.faults.next(SharedCommand.Drained.class, Fault.heldBefore(drained));
            other.items.resumeDrain();
            await().atMost(SOON).until(() -> drained.awaitArrival(Duration.ofMillis(10)));
        }));

        deleting.items.delete(1L);

        assertThat(other.items.read(1L, Read.strong()).value()).isEmpty();
        drained.release();
        assertThat(other.items.drain(SOON)).isZero();
        assertThat(other.items.read(1L, Read.strong()).value()).isEmpty();
        assertThat(other.items.read(1L, Read.bounded(Duration.ZERO)).value()).isEmpty();
    }

    /** The delete's marker is older than a write-back and a write-through that overtake it before its SQL. */
    @Test
    void deleteThatWasOvertaken_keepsOlderPendingWritesOut() throws Exception {
        Node deleting = cluster.startPaused();
        Node other = cluster.startPaused();
        other.items.save(OLD);
        Hold told = new Hold();
        List<CompletableFuture<?>> overtaking = new ArrayList<>();
        deleting.faults.next(SharedCommand.Prepare.class, Fault.after(() -> {
            other.items.save(NEW, Write.back());
            other.faults.next(SharedCommand.Apply.class, Fault.heldBefore(told));
            overtaking.add(CompletableFuture.runAsync(() -> other.items.save(new Item(1, "newer", 3))));
            await().atMost(SOON).until(() -> told.awaitArrival(Duration.ofMillis(10)));
            cluster.primary.afterNextCommit(() -> {
                other.items.resumeDrain();
                await().atMost(SOON).until(() -> other.items.lag().entries() == 0);
            });
        }));

        deleting.items.delete(1L);
        told.release();
        overtaking.get(0).get(10, TimeUnit.SECONDS);

        assertThat(deleting.items.read(1L, Read.strong()).value()).isEmpty();
        assertThat(other.items.read(1L, Read.strong()).value()).isEmpty();
    }

    @Test
    void session_afterARestartOfTheSharedReplica_seesItsPendingWrite() {
        Node node = cluster.startPaused();
        node.items.save(OLD);
        Session session = Session.start();
        node.items.in(session).save(NEW, Write.back());

        cluster.server.restart();

        assertThat(node.items.in(session).find(1L)).contains(NEW);
    }

    /** Between peek and commit the shared replica loses its memory and is told by a reader that there is no such row. */
    @Test
    void rowDrainedAfterALossOfMemory_isNotHiddenByWhatWasFilledBefore() {
        Node node = cluster.startPaused();
        Node reader = cluster.startPaused();
        node.items.save(NEW, Write.back());
        node.faults.every(SharedCommand.Drained.class, Fault.notSent());
        node.faults.next(SharedCommand.Peek.class, Fault.after(() -> {
            cluster.server.flush();
            assertThat(reader.items.read(1L, Read.bounded(Duration.ZERO)).value())
                    .isEmpty();
        }));

        node.items.resumeDrain();

        await().atMost(SOON)
                .untilAsserted(() -> assertThat(reader.items
                                .read(1L, Read.bounded(Duration.ZERO))
                                .value())
                        .contains(NEW));
    }

    /** The marker is of a generation that has passed; another writer marks the entry anew and takes his marker back. */
    @Test
    void unknownWriteOverAPendingOne_afterARestart_isStillSeenByStrongReads() {
        Node node = cluster.startPaused();
        node.items.save(OLD, Write.back());
        cluster.primary.loseNextCommitReply();
        assertThatThrownBy(() -> node.items.save(NEW)).isInstanceOf(UnderstudyException.class);
        assertThat(node.items.read(1L, Read.strong()).value()).contains(NEW);

        cluster.server.restart();
        assertThatThrownBy(() -> node.items.insert(new Item(1, "third", 3))).isInstanceOf(Conflict.class);

        assertThat(node.items.read(1L, Read.strong()).value()).contains(NEW);
    }
}
