package dev.understudy.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Ack;
import dev.understudy.model.Generation;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.SharedCommand.Invalidate;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The ways in which the in-memory shared replica and the faulty one in front of it fail on purpose. */
final class InMemoryFaultsTest {
    private static final ShardKey KEY = new ShardKey(0, "key");

    private final ManualClock clock = new ManualClock();
    private final InMemorySharedReplica replica = InMemorySharedReplica.alone(clock);
    private final InMemorySharedServer server = replica.server();
    private final FaultySharedReplica faulty = new FaultySharedReplica(replica);
    private final List<String> heard = new ArrayList<>();
    private SharedCache cache;
    private Generation generation;

    @BeforeEach
    void open() {
        cache = faulty.cache("faults", "things", 1);
        generation = opened();
        cache.subscribe(new AnnouncementListener() {
            @Override
            public void announced(Announcement announcement) {
                heard.add(String.valueOf(announcement.position().value()));
            }

            @Override
            public void interrupted() {
                heard.add("interrupted");
            }
        });
    }

    @Test
    void before_runsFirst_andItsFailureKeepsTheCallBack() {
        faulty.next(Invalidate.class, Fault.before(() -> assertThat(position()).isZero()));
        reply(invalidate());
        faulty.next(Invalidate.class, Fault.before(() -> {
            throw new SharedReplicaFailure(Reason.REFUSED, "hook", null);
        }));
        assertReason(Reason.REFUSED, invalidate());
        reply(invalidate());
        assertThat(position()).isEqualTo(2);
    }

    @Test
    void after_runsWhenTheCallHasRun() {
        faulty.next(Invalidate.class, Fault.after(() -> assertThat(position()).isEqualTo(1)));
        reply(invalidate());
    }

    @Test
    void notSentAndReplyLost_differInWhetherTheCallRan() {
        faulty.next(Invalidate.class, Fault.notSent());
        assertReason(Reason.NOT_SENT, invalidate());
        assertThat(position()).isZero();
        faulty.next(SharedCommand.class, Fault.replyLost());
        assertReason(Reason.NO_ANSWER, invalidate());
        assertThat(position()).isEqualTo(1);
    }

    @Test
    void every_lastsUntilClosed_andOtherKindsAreLeftAlone() {
        try (FaultySharedReplica.Rule rule = faulty.every(Invalidate.class, Fault.notSent())) {
            assertReason(Reason.NOT_SENT, invalidate());
            assertReason(Reason.NOT_SENT, invalidate());
            assertThat(position()).isZero();
        }
        reply(invalidate());
        faulty.next(FaultySharedReplica.Reading.class, Fault.notSent());
        faulty.next(FaultySharedReplica.Settling.class, Fault.notSent());
        assertReason(Reason.NOT_SENT, cache.read(List.of(KEY)));
        assertReason(Reason.NOT_SENT, faulty.settle(Ack.FSYNCED, Duration.ofSeconds(1), faulty.serverId()));
    }

    @Test
    void hold_beforeOrAfter_keepsTheStageOpen() throws Exception {
        Hold before = new Hold();
        faulty.next(Invalidate.class, Fault.heldBefore(before));
        CompletableFuture<?> first = invalidate().toCompletableFuture();
        assertThat(before.awaitArrival(Duration.ZERO)).isTrue();
        assertThat(position()).isZero();
        assertThat(first).isNotDone();
        before.release();
        assertThat(first).isCompleted();
        Hold after = new Hold();
        faulty.next(Invalidate.class, Fault.heldAfter(after));
        CompletableFuture<?> second = invalidate().toCompletableFuture();
        assertThat(position()).isEqualTo(2);
        assertThat(second).isNotDone();
        after.release();
        assertThat(second).isCompleted();
    }

    @Test
    void announcements_heldOrDropped_comeLateOrNever() {
        replica.holdAnnouncements();
        reply(invalidate());
        reply(invalidate());
        assertThat(heard).containsExactly("interrupted");
        replica.releaseAnnouncements();
        assertThat(heard).containsExactly("interrupted", "1", "2");
        replica.dropAnnouncements(true);
        reply(invalidate());
        replica.dropAnnouncements(false);
        reply(invalidate());
        assertThat(heard).containsExactly("interrupted", "1", "2", "4");
    }

    @Test
    void rollback_losesTheTail_andTheConnection() {
        reply(invalidate());
        InMemorySharedServer.Snapshot snapshot = server.snapshot();
        reply(invalidate());
        server.rollback(snapshot);
        assertThatThrownBy(() -> reply(invalidate())).isInstanceOf(GenerationChanged.class);
        assertThat(server.positions("faults", "things").get(0).position().value())
                .isEqualTo(1);
        assertThat(opened()).isNotEqualTo(generation);
        assertThat(heard).containsExactly("interrupted", "1", "2", "interrupted", "interrupted");
    }

    @Test
    void unreachable_sendsNothing_untilItIsBack() {
        server.reachable(false);
        assertReason(Reason.NOT_SENT, invalidate());
        assertThatThrownBy(() -> replica.cache("faults", "others", 1)).isInstanceOf(Unavailable.class);
        server.reachable(true);
        assertThat(opened()).isEqualTo(generation);
        reply(invalidate());
    }

    @Test
    void outOfMemory_refusesWriteBacksOnly() {
        server.outOfMemory(true);
        assertReason(
                Reason.OUT_OF_MEMORY,
                cache.submit(new SharedCommand.WriteBack(
                        KEY,
                        generation,
                        EntryKind.VALUE,
                        new byte[1],
                        1,
                        SharedCommand.Condition.NONE,
                        Optional.of(Version.ABSENT),
                        QueueLimit.entries(10),
                        Version.ABSENT)));
        reply(invalidate());
    }

    private CompletionStage<InvalidateReply> invalidate() {
        return cache.submit(new Invalidate(KEY, generation, Version.ABSENT));
    }

    private Generation opened() {
        return reply(cache.submit(new SharedCommand.Open(0))).position().generation();
    }

    private long position() {
        return reply(cache.positions()).get(0).position().value();
    }

    private static void assertReason(Reason reason, CompletionStage<?> stage) {
        assertThatThrownBy(() -> reply(stage))
                .isInstanceOfSatisfying(
                        SharedReplicaFailure.class, e -> assertThat(e.reason()).isEqualTo(reason));
    }

    private static <R> R reply(CompletionStage<R> stage) {
        try {
            return stage.toCompletableFuture().get();
        } catch (ExecutionException e) {
            throw (RuntimeException) e.getCause();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
