package dev.understudy.spi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.model.Ack;
import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.SharedCommand.AppliedChange;
import dev.understudy.spi.SharedCommand.Fate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What every shared replica must do for one instance or two; extended for each adapter and for the in-memory twin. */
public abstract class SharedReplicaContract extends SharedReplicaCalls {
    /** Loses all data, connections stay. */
    protected abstract void flush();

    /** Breaks the connections of that replica; it makes them again by itself. */
    protected abstract void disconnect(SharedReplica replica);

    /** Once, or twice if it subscribed just when the connection became ready. */
    private static void assertInterruptedAtFirst(Heard heard) {
        assertThat(heard.interruptions).hasSizeBetween(1, 2);
        assertThat(heard.interruptions.get(0)).isZero();
    }

    /** Keeps what it is told. Thread-safe. */
    private static final class Heard implements AnnouncementListener {
        private final List<Announcement> announcements = new CopyOnWriteArrayList<>();
        private final List<Integer> interruptions = new CopyOnWriteArrayList<>();

        @Override
        public void announced(Announcement announcement) {
            announcements.add(announcement);
        }

        @Override
        public void interrupted() {
            interruptions.add(announcements.size());
        }

        void awaitAnnouncements(int count) {
            await().atMost(Duration.ofSeconds(10)).until(() -> announcements.size() >= count);
        }

        void awaitInterruptions(int count) {
            await().atMost(Duration.ofSeconds(10)).until(() -> interruptions.size() >= count);
        }
    }

    // ---- opening ----------------------------------------------------------------------------------------------------

    @Test
    void cache_otherShardCount_refusedWithBothNumbers() {
        assertThatThrownBy(() -> replica.cache("contract", "things", SHARDS + 1))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining(String.valueOf(SHARDS))
                .hasMessageContaining(String.valueOf(SHARDS + 1));
    }

    @Test
    void cache_badNameOrCount_refused() {
        for (String name : List.of("", "Things", "a{b}", "a:b", "1a", "a b")) {
            assertThatThrownBy(() -> replica.cache("contract", name, SHARDS)).isInstanceOf(Invalid.class);
            assertThatThrownBy(() -> replica.cache(name, "things", SHARDS)).isInstanceOf(Invalid.class);
        }
        assertThatThrownBy(() -> replica.cache("contract", "others", 0)).isInstanceOf(Invalid.class);
        assertThatThrownBy(() -> replica.cache("contract", "others", 4097)).isInstanceOf(Invalid.class);
    }

    @Test
    void shard_notOpened_isClosed() {
        SharedCache fresh = open().cache("contract", "things", SHARDS);
        ShardKey key = key("a");

        assertThatThrownBy(() -> call(fresh, lease(key, 1))).isInstanceOf(GenerationChanged.class);
        assertThatThrownBy(() -> reply(fresh.read(List.of(key)))).isInstanceOf(GenerationChanged.class);

        call(fresh, new SharedCommand.Open(key.shard()));
        assertThat(call(fresh, lease(key, 1))).isInstanceOf(LeaseReply.Granted.class);
    }

    @Test
    void open_again_keepsGenerationAndPosition() {
        ShardKey key = key("a");
        call(invalidate(key, 0));
        ShardPosition before = call(new SharedCommand.Open(key.shard()));

        assertThat(before.position()).isEqualTo(new Position(generationOf(key), 1));
        assertThat(call(open().cache("contract", "things", SHARDS), new SharedCommand.Open(key.shard())))
                .isEqualTo(before);
    }

    @Test
    void command_ofOtherGeneration_changesNothing() {
        ShardKey key = key("a");
        Generation other = new Generation(generationOf(key).value() % 0xFFFF_FFFFL + 1);

        assertThatThrownBy(() -> call(new SharedCommand.Invalidate(key, other, new Version(7))))
                .isInstanceOfSatisfying(
                        GenerationChanged.class, e -> assertThat(e.shard()).isEqualTo(key.shard()));
        assertThatThrownBy(() -> call(new SharedCommand.Status(key.shard(), other)))
                .isInstanceOf(GenerationChanged.class);
        assertThat(positionOf(key)).isZero();
    }

    @Test
    void flush_isNoticedByEveryCommand_andStartsANewGeneration() {
        ShardKey key = key("a");
        Heard heard = new Heard();
        cache.subscribe(heard);
        heard.awaitInterruptions(1);
        flush();

        assertThatThrownBy(() -> call(lease(key, 1))).isInstanceOf(GenerationChanged.class);
        assertThat(reply(cache.positions()))
                .allSatisfy(each -> assertThat(each.position()).isEqualTo(Position.NONE));
        Position after = call(new SharedCommand.Open(key.shard())).position();
        assertThat(after.generation()).isNotEqualTo(generationOf(key));
        heard.awaitInterruptions(2);
    }

    @Test
    void close_commandsAreNotSent() {
        replica.close();
        assertNotSent(() -> call(invalidate(key("a"), 0)));
        assertNotSent(() -> reply(cache.read(List.of(key("a")))));
    }

    @Test
    void disconnect_shardsAreClosedUntilOpened_andListenersInterrupted() {
        ShardKey key = key("a");
        Heard heard = new Heard();
        cache.subscribe(heard);
        heard.awaitInterruptions(1);
        disconnect(replica);

        heard.awaitInterruptions(2);
        await().atMost(Duration.ofSeconds(10)).ignoreExceptions().until(() -> {
            assertThatThrownBy(() -> call(lease(key, 1)))
                    .isInstanceOfAny(GenerationChanged.class, SharedReplicaFailure.class);
            return call(new SharedCommand.Open(key.shard()))
                    .position()
                    .generation()
                    .equals(generationOf(key));
        });
        assertThat(reply(cache.positions()))
                .allSatisfy(each -> assertThat(each.position().equals(Position.NONE))
                        .as("shard %s has no position before it is opened again", each.shard())
                        .isEqualTo(each.shard() != key.shard()));
        assertThat(call(lease(key, 1))).isInstanceOf(LeaseReply.Granted.class);
        await().atMost(Duration.ofSeconds(10)).until(() -> {
            call(invalidate(key, 0));
            return !heard.announcements.isEmpty();
        });
    }

    @Test
    void clockMicros_goesOn() {
        long before = reply(replica.clockMicros());
        long after = reply(replica.clockMicros());
        assertThat(before).isGreaterThan(1_700_000_000_000_000L);
        assertThat(after).isGreaterThanOrEqualTo(before);
    }

    @Test
    void settle_accepted_isTrueAtOnce() {
        assertThat(reply(replica.settle(Ack.ACCEPTED, Duration.ofSeconds(1), replica.serverId())))
                .isTrue();
        assertThat(replica.whyNot(Ack.ACCEPTED)).isEmpty();
    }

    // ---- reading ----------------------------------------------------------------------------------------------------

    @Test
    void read_manyKeys_inOrderWithNullForNone() {
        List<ShardKey> keys = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            ShardKey key = key("k" + i);
            keys.add(key);
            if (i % 3 != 0) {
                fill(key, "value " + i, 100 + i);
            }
        }
        List<SharedEntry> found = reply(cache.read(keys));
        assertThat(found).hasSize(20);
        for (int i = 0; i < 20; i++) {
            if (i % 3 == 0) {
                assertThat(found.get(i)).isNull();
            } else {
                assertThat(found.get(i).payload()).isEqualTo(bytes("value " + i));
                assertThat(found.get(i).version()).isEqualTo(new Version(100 + i));
                assertThat(found.get(i).generation()).isEqualTo(generationOf(keys.get(i)));
            }
        }
        assertThat(reply(cache.read(List.of()))).isEmpty();
    }

    @Test
    void keys_ofAnyText_areKeptApart() {
        List<String> texts =
                List.of("}", "{a}", "a", "a:b", "a b", "a 0 ", "ключ", "\uD83D\uDE00", "-1", "", "x".repeat(512));
        Heard heard = new Heard();
        cache.subscribe(heard);
        heard.awaitInterruptions(1);
        for (String text : texts) {
            writeBack(key(text), "of " + text.length() + text.hashCode(), 1_000);
        }
        for (String text : texts) {
            assertThat(read(key(text)).payload()).isEqualTo(bytes("of " + text.length() + text.hashCode()));
        }
        heard.awaitAnnouncements(texts.size());
        assertThat(heard.announcements)
                .extracting(Announcement::key)
                .containsExactlyElementsOf(texts.stream().map(this::key).toList());
        assertInterruptedAtFirst(heard);
        List<String> peeked = new ArrayList<>();
        for (int shard = 0; shard < SHARDS; shard++) {
            peek(shard).forEach(pending -> peeked.add(pending.key().text()));
        }
        assertThat(peeked).containsExactlyInAnyOrderElementsOf(texts);
    }

    @Test
    void payload_ofAnyBytes_isKept() {
        byte[] all = new byte[70_000];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) i;
        }
        ShardKey key = key("a");
        call(lease(key, 5));
        call(new SharedCommand.Fill(
                key, generationOf(key), 5, EntryKind.VALUE, new Version(9), all, Duration.ofHours(1)));
        SharedEntry entry = read(key);
        assertThat(entry.payload()).isEqualTo(all);
        assertThat(Arrays.copyOfRange(entry.bytes(), entry.offset(), entry.offset() + entry.length()))
                .isEqualTo(all);
    }

    @Test
    void distrust_cleanEntriesMeanNothing_pendingOnesStay() {
        ShardKey clean = key("a");
        fill(clean, "clean", 7);
        Generation before = generationOf(clean);
        Heard heard = new Heard();
        cache.subscribe(heard);
        heard.awaitInterruptions(1);

        Position after = call(new SharedCommand.Distrust(clean.shard(), before)).position();

        assertThat(reply(cache.read(List.of(clean)))).containsOnlyNulls();
        assertThat(after).isEqualTo(new Position(after.generation(), 0));
        assertThat(after.generation()).isNotEqualTo(before);
        assertThatThrownBy(() -> call(lease(clean, 9))).isInstanceOf(GenerationChanged.class);
        assertThat(call(new SharedCommand.Lease(clean, after.generation(), 9, Duration.ofSeconds(1))))
                .isInstanceOf(LeaseReply.Granted.class);
        assertThatThrownBy(() -> call(new SharedCommand.Distrust(clean.shard(), before)))
                .isInstanceOf(GenerationChanged.class);
        heard.awaitInterruptions(2);
    }

    @Test
    void distrust_whatIsPending_isStillThere() {
        ShardKey key = key("a");
        writeBack(key, "pending", 1_000);

        Generation after = call(new SharedCommand.Distrust(key.shard(), generationOf(key)))
                .position()
                .generation();

        assertThat(read(key).payload()).isEqualTo(bytes("pending"));
        assertThat(call(new SharedCommand.Lease(key, after, 9, Duration.ofSeconds(1))))
                .isInstanceOf(LeaseReply.Hit.class);
        assertThat(call(new SharedCommand.Status(key.shard(), after)).pending()).isEqualTo(1);
    }

    // ---- changes: see also WriteThroughContract and WriteBackContract
    // -----------------------------------------------------

    @Test
    void apply_installsAndAnnounces() {
        ShardKey key = key("a");
        Heard heard = new Heard();
        open().cache("contract", "things", SHARDS).subscribe(heard);
        heard.awaitInterruptions(1);

        Prepared prepared = prepare(key);
        assertThat(prepared.version().value() % 2).isZero();
        assertThat(prepared.deadlineMicros() - prepared.preparedMicros()).isEqualTo(MARKER.toMillis() * 1_000);
        assertThat(prepared.hasPending()).isFalse();
        assertThat(read(key).writers()).isEqualTo(1);
        ApplyReply applied = call(apply(key, AppliedChange.UPSERTED, prepared.version(), "new", Optional.of(prepared)));

        assertThat(applied).isEqualTo(new ApplyReply(ApplyReply.Result.APPLIED, new Position(generationOf(key), 1)));
        assertThat(read(key).payload()).isEqualTo(bytes("new"));
        assertThat(read(key).writers()).isZero();
        heard.awaitAnnouncements(1);
        assertThat(heard.announcements)
                .containsExactly(new Announcement(key, applied.position(), prepared.version(), false));
    }

    @Test
    void apply_overAPendingWrite_supersedesItAndStaysPending() {
        ShardKey key = key("a");
        WriteBackReply.Accepted pending = writeBack(key, "back", 0);
        Prepared prepared = prepare(key);
        assertThat(prepared.pendingKind()).isEqualTo(EntryKind.VALUE);
        assertThat(prepared.pendingVersion()).isEqualTo(pending.version());
        assertThat(call(apply(key, AppliedChange.UPSERTED, prepared.version(), "through", Optional.of(prepared)))
                        .result())
                .isEqualTo(ApplyReply.Result.SUPERSEDED);
        assertThat(read(key).pending()).isTrue();
        assertThat(read(key).payload()).isEqualTo(bytes("through"));
        ShardStatus status = status(key);
        assertThat(status.superseded()).isEqualTo(1);
        assertThat(status.hollow()).isEqualTo(1);
        assertThat(status.pending()).isZero();
    }

    @Test
    void announcements_reachEveryConnectionInOrderOfPosition() {
        ShardKey key = key("a");
        Heard own = new Heard();
        Heard other = new Heard();
        cache.subscribe(own);
        open().cache("contract", "things", SHARDS).subscribe(other);
        own.awaitInterruptions(1);
        other.awaitInterruptions(1);
        for (int i = 0; i < 50; i++) {
            call(invalidate(key, 0));
        }
        for (Heard heard : List.of(own, other)) {
            heard.awaitAnnouncements(50);
            assertThat(heard.announcements)
                    .extracting(each -> each.position().value())
                    .isSorted()
                    .doesNotHaveDuplicates();
            assertThat(heard.announcements)
                    .allSatisfy(each -> assertThat(each.version()).isEqualTo(Version.UNKNOWN));
            assertInterruptedAtFirst(heard);
        }
    }

    @Test
    void subscription_closed_hearsNothingMore() {
        ShardKey key = key("a");
        Heard closed = new Heard();
        Heard open = new Heard();
        SharedCache.Subscription subscription = cache.subscribe(closed);
        cache.subscribe(open);
        closed.awaitInterruptions(1);
        open.awaitInterruptions(1);
        subscription.close();
        call(invalidate(key, 0));
        open.awaitAnnouncements(1);
        assertThat(closed.announcements).isEmpty();
    }

    @Test
    void caches_ofOtherNamesOrNamespaces_areKeptApart() {
        ShardKey key = key("a");
        fill(key, "here", 10);
        for (SharedCache apart :
                List.of(replica.cache("contract", "others", SHARDS), replica.cache("elsewhere", "things", SHARDS))) {
            call(apart, new SharedCommand.Open(key.shard()));
            assertThat(reply(apart.read(List.of(key)))).containsOnlyNulls();
        }
    }

    @Test
    void drain_ofEverything_keepsConservation() {
        for (int i = 0; i < 30; i++) {
            writeBack(key("k" + i % 20), "v" + i, 0);
        }
        assertThat(reply(cache.pending()).stream().mapToLong(Long::longValue).sum())
                .isEqualTo(20);
        for (int shard = 0; shard < SHARDS; shard++) {
            for (Pending pending : peek(shard)) {
                assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.CLEAN);
            }
        }
        long acked = 0;
        long applied = 0;
        long superseded = 0;
        for (int shard = 0; shard < SHARDS; shard++) {
            ShardStatus status = call(new SharedCommand.Status(shard, generation.get(shard)));
            assertConserved(status);
            acked += status.acked();
            applied += status.applied();
            superseded += status.superseded();
            assertThat(status.queued()).isZero();
            assertThat(status.oldest()).isEqualTo(Duration.ZERO);
        }
        assertThat(List.of(acked, applied, superseded)).containsExactly(30L, 20L, 10L);
    }

    @Test
    void commands_ofManyThreads_areAllAnswered() throws Exception {
        ShardKey key = key("a");
        ExecutorService threads = Executors.newFixedThreadPool(8);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < 8; t++) {
                running.add(threads.submit(() -> {
                    for (int i = 0; i < 100; i++) {
                        call(invalidate(key, 0));
                    }
                }));
            }
            for (Future<?> each : running) {
                each.get(30, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdown();
        }
        assertThat(positionOf(key)).isEqualTo(800);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }

    private static void assertNotSent(Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        SharedReplicaFailure.class,
                        e -> assertThat(e.reason()).isEqualTo(SharedReplicaFailure.Reason.NOT_SENT));
    }
}
