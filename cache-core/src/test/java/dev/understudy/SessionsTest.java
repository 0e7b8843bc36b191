package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.engine.ForgedToken;
import dev.understudy.model.OnPartition;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.ShardKey;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteMode;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.FaultySharedReplica.Positions;
import dev.understudy.spi.FaultySharedReplica.Reading;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions over several instances, with announcements held back where a protection is to be seen. */
class SessionsTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Item OLD = new Item(1, "old", 1);
    private static final Item NEW = new Item(1, "new", 2);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void nearEntry_newerThanTheConfirmedPosition_isNotShownToASessionThatGoesOn() {
        Node writer = cluster.start();
        Node first = cluster.start();
        Node second = cluster.start();
        writer.items.save(OLD);
        assertThat(second.items.find(1L)).contains(OLD);
        first.connection.holdAnnouncements();
        second.connection.holdAnnouncements();
        writer.items.save(NEW);
        assertThat(first.items.find(1L)).as("installed before its announcement").contains(NEW);
        Session session = Session.start();

        assertThat(first.items.in(session).find(1L)).contains(NEW);

        Session elsewhere = Session.resume(session.token());
        assertThat(second.items.in(elsewhere).find(1L)).as("never back").contains(NEW);
        first.connection.releaseAnnouncements();
        second.connection.releaseAnnouncements();
    }

    @Test
    void pendingWrite_restoredAfterAFlush_isStillReadByItsSession() {
        Node node = cluster.startPaused();
        node.items.save(OLD);
        Session session = Session.start();
        node.items.in(session).save(NEW, Write.back());

        cluster.server.flush();

        await().atMost(SOON).until(() -> node.items.lag().entries() == 1);
        assertThat(node.items.in(session).find(1L)).contains(NEW);
        assertThat(node.items.counters().uncoveredReads.sum()).isPositive();
    }

    /** Not each read of each session for ever. */
    @Test
    void generationGone_sessionReadsThePrimaryForAMomentOnly() {
        Node node = cluster.start(repository -> repository.near(near -> near.maxStaleness(Duration.ofMillis(500))));
        Session session = Session.start();
        node.items.in(session).save(OLD);

        cluster.server.flush();

        await().atMost(SOON).until(() -> {
            Session resumed = Session.resume(session.token());
            node.items.in(resumed).find(1L);
            long before = node.items.counters().uncoveredReads.sum();
            assertThat(node.items.in(resumed).find(1L)).contains(OLD);
            return before > 0 && node.items.counters().uncoveredReads.sum() == before;
        });
    }

    @Test
    void sharedReplica_backWhileTheBreakerIsOpen_sessionDoesNotGetTheTrailingRow() {
        Node node = cluster.startPaused();
        node.items.save(OLD);
        Session session = Session.start();
        node.items.in(session).save(NEW, Write.back());
        cluster.server.reachable(false);
        for (int i = 0; i < 3; i++) {
            assertThat(node.items.read(1L, Read.bounded(Duration.ZERO)).mayTrail())
                    .isTrue();
        }
        cluster.server.reachable(true);

        assertThat(node.items.in(session).find(1L)).contains(NEW);
    }

    /** The shared replica has not heard of the row that the primary shows. */
    @Test
    void rowOfAnUnknownWrite_shownByThePrimary_isNotFollowedByTheOlderCopy() {
        Node writer = startThrough();
        Node first = startThrough();
        Node second = startThrough();
        writer.items.save(OLD);
        leaveUnknown(() -> writer.items.save(NEW));
        Session session = Session.start();
        first.faults.next(Reading.class, Fault.notSent());

        assertThat(first.items.in(session).find(1L)).contains(NEW);

        assertThat(second.items.in(Session.resume(session.token())).find(1L)).contains(NEW);
        assertThat(first.items.in(session).find(1L)).contains(NEW);
    }

    @Test
    void absenceOfAnUnknownDelete_shownByThePrimary_isNotFollowedByTheOlderCopy() {
        Node writer = startThrough();
        Node reader = startThrough();
        writer.items.save(OLD);
        leaveUnknown(() -> writer.items.delete(1L));
        Session session = Session.start();
        reader.faults.next(Reading.class, Fault.notSent());

        assertThat(reader.items.in(session).find(1L)).isEmpty();

        assertThat(reader.items.in(session).find(1L)).isEmpty();
    }

    @Test
    void rowOfAnUnknownWrite_shownWhileTheSharedReplicaIsAway_isNotFollowedByTheOlderCopy() {
        Node writer = startThrough();
        Node reader = startThrough();
        writer.items.save(OLD);
        leaveUnknown(() -> writer.items.save(NEW));
        Session session = Session.start();
        Rule unread = reader.faults.every(Reading.class, Fault.notSent());
        Rule unknown = reader.faults.every(Positions.class, Fault.notSent());

        assertThat(reader.items.in(session).find(1L)).contains(NEW);

        unread.close();
        unknown.close();
        assertThat(writer.items.in(Session.resume(session.token())).find(1L)).contains(NEW);
    }

    /** No position covers what the shared replica showed, as they could not be read. */
    @Test
    void row_shownWithoutAPosition_isNotFollowedByAnOlderNearEntry() {
        Node writer = startThrough();
        Node trailing = startThrough();
        Node reader = startThrough();
        writer.items.save(OLD);
        awaitNearHit(trailing);
        trailing.connection.holdAnnouncements();
        writer.items.save(NEW);
        Session session = Session.start();
        Rule unknown = reader.faults.every(Positions.class, Fault.notSent());

        assertThat(reader.items.in(session).find(1L)).contains(NEW);

        unknown.close();
        assertThat(trailing.items.in(session).find(1L)).contains(NEW);
        trailing.connection.releaseAnnouncements();
    }

    /** The write is committed and not applied: nothing was announced but the fill. */
    @Test
    void rowFilledUnderAMarker_isNotFollowedByAnOlderNearEntry() throws Exception {
        Node writer = startThrough();
        Node trailing = startThrough();
        Node reader = startThrough();
        writer.items.save(OLD);
        awaitNearHit(trailing);
        cluster.server.evict("shop", "item", ShardKey.of("1", 4));
        Hold untold = new Hold();
        writer.faults.next(SharedCommand.Apply.class, Fault.heldBefore(untold));
        CompletableFuture<?> write = CompletableFuture.runAsync(() -> writer.items.save(NEW));
        await().atMost(SOON).until(() -> untold.awaitArrival(Duration.ofMillis(10)));
        trailing.connection.holdAnnouncements();
        Session session = Session.start();

        assertThat(reader.items.in(session).find(1L)).contains(NEW);

        assertThat(trailing.items.in(session).find(1L)).contains(NEW);
        trailing.connection.releaseAnnouncements();
        untold.release();
        write.get(10, TimeUnit.SECONDS);
    }

    /** What this instance has applied does not cover a write whose answer, and announcement, it has not got. */
    @Test
    void writeBack_whoseReplyWasLost_isReadByItsSessionElsewhere() {
        Node writer = cluster.startPaused();
        Node trailing = cluster.startPaused();
        writer.items.save(OLD);
        awaitNearHit(trailing);
        writer.connection.holdAnnouncements();
        trailing.connection.holdAnnouncements();
        writer.faults.next(SharedCommand.WriteBack.class, Fault.replyLost());
        Session session = Session.start();

        writer.items.in(session).delete(1L, Write.back());

        assertThat(trailing.items.in(session).find(1L)).isEmpty();
        writer.connection.releaseAnnouncements();
        trailing.connection.releaseAnnouncements();
    }

    @ParameterizedTest
    @EnumSource(WriteMode.class)
    void strongRead_isNotFollowedByAnOlderNearEntryElsewhere(WriteMode mode) {
        Node writer = cluster.start();
        Node trailing = cluster.start();
        writer.items.save(OLD);
        awaitNearHit(trailing);
        trailing.connection.holdAnnouncements();
        writer.items.save(NEW, mode == WriteMode.BACK ? Write.back() : Write.through());
        Session session = Session.start();

        assertThat(writer.items.in(session).read(1L, Read.strong()).value()).contains(NEW);

        assertThat(trailing.items.in(Session.resume(session.token())).find(1L)).contains(NEW);
        trailing.connection.releaseAnnouncements();
    }

    /** A forged token slows its owner only: the versions of everybody's writes stay beside the clock. */
    @ParameterizedTest
    @ValueSource(strings = {"through", "back", "away"})
    void forgedToken_versionOfTomorrow_movesNoClock(String how) {
        Node one = cluster.start(repository -> {
            repository.onPartition(OnPartition.AVAILABLE);
            if (how.equals("back")) {
                repository.allowWriteBack(back -> back.delay(Duration.ofMillis(10)));
            }
        });
        one.items.save(OLD);
        long before = micros();
        Version tomorrow = new Version(before + TimeUnit.DAYS.toMicros(1));
        CachedRepository<Long, Item> forged = one.items.in(Session.resume(ForgedToken.shown("item", "1", tomorrow)));
        cluster.server.reachable(!how.equals("away"));

        Version version = forged.save(NEW, how.equals("back") ? Write.back() : Write.through())
                .version();

        assertThat(version.value()).isBetween(before, micros() + 300_000);
        cluster.server.reachable(true);
    }

    private static long micros() {
        return System.currentTimeMillis() * 1_000;
    }

    private Node startThrough() {
        return cluster.start(repository -> {});
    }

    private void leaveUnknown(ThrowingCallable write) {
        cluster.primary.loseNextCommitReply();
        assertThatThrownBy(write)
                .isInstanceOfSatisfying(
                        UnderstudyException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN));
    }

    /** Until a session that has seen nothing is served by the near replica. */
    private static void awaitNearHit(Node node) {
        long before = node.items.counters().nearHits.sum();
        await().atMost(SOON).until(() -> {
            node.items.in(Session.start()).find(1L);
            return node.items.counters().nearHits.sum() > before;
        });
    }
}
