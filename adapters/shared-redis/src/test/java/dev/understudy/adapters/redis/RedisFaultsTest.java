package dev.understudy.adapters.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.QueueLimit;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.Condition;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.SharedReplicaFailure;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import dev.understudy.spi.WriteBackReply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the Redis adapter does when the server or the way to it fails. */
final class RedisFaultsTest {
    private static final Duration TIMEOUT = Duration.ofMillis(400);
    private static final ShardKey KEY = new ShardKey(0, "key");

    private static RedisServer server;
    private static RedisWire wire;

    @BeforeAll
    static void startServer() {
        server = RedisServer.builder().arguments("--save", "").start();
        wire = new RedisWire(server.host(), server.port());
    }

    @AfterAll
    static void closeServer() {
        wire.close();
        server.close();
    }

    @BeforeEach
    void flushAll() {
        wire.call("FLUSHALL");
    }

    @Test
    void get_ofAnUnreachableServer_namesIt() {
        int port;
        try (TcpProxy proxy = TcpProxy.to(server)) {
            port = proxy.port();
        }
        assertThatThrownBy(() -> Redis.at("redis://user:secret@127.0.0.1:" + port)
                        .connectTimeout(Duration.ofSeconds(1))
                        .get())
                .isInstanceOf(Unavailable.class)
                .hasMessageContaining("127.0.0.1:" + port)
                .hasMessageNotContaining("secret");
        assertThatThrownBy(() -> Redis.at("no uri with secret"))
                .isInstanceOf(Invalid.class)
                .hasNoCause()
                .hasMessageNotContaining("secret");
    }

    @Test
    void get_ofASilentServer_endsInTime() {
        try (TcpProxy proxy = TcpProxy.to(server)) {
            proxy.blackhole();
            long before = System.nanoTime();
            assertThatThrownBy(() -> Redis.at(proxy.redisUri())
                            .connectTimeout(TIMEOUT)
                            .commandTimeout(TIMEOUT)
                            .get())
                    .isInstanceOf(Unavailable.class);
            assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(15));
        }
    }

    @Test
    void command_withoutAnAnswer_isUnknown_andRunsAtMostOnce() {
        try (TcpProxy proxy = TcpProxy.to(server);
                SharedReplica replica = fast(proxy)) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            proxy.holdReplies();
            assertReason(Reason.NO_ANSWER, cache.submit(writeBack(generation, 1)));
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> assertReason(Reason.NOT_SENT, cache.submit(writeBack(generation, 2))));
            proxy.cut();
            proxy.pass();

            awaitOpened(cache);
            assertThat(reply(cache.submit(new SharedCommand.Status(0, generation)))
                            .acked())
                    .isEqualTo(1);
            assertThat(reply(cache.submit(writeBack(generation, 1))))
                    .isInstanceOfSatisfying(
                            WriteBackReply.Accepted.class,
                            again -> assertThat(again.repeated()).isTrue());
        }
    }

    @Test
    void command_afterTheConnectionIsLost_isClosedUntilOpened() {
        try (TcpProxy proxy = TcpProxy.to(server);
                SharedReplica replica = fast(proxy)) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            proxy.cut();
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> assertThatThrownBy(() -> reply(cache.submit(writeBack(generation, 1))))
                            .isInstanceOf(GenerationChanged.class));
            assertThatThrownBy(() -> reply(cache.read(List.of(KEY)))).isInstanceOf(GenerationChanged.class);
            assertThat(generation(cache)).isEqualTo(generation);
            assertThat(reply(cache.submit(writeBack(generation, 1)))).isInstanceOf(WriteBackReply.Accepted.class);
        }
    }

    @Test
    void calls_overTheBound_areNotSent() {
        try (TcpProxy proxy = TcpProxy.to(server);
                SharedReplica replica = Redis.at(proxy.redisUri())
                        .commandTimeout(Duration.ofSeconds(3))
                        .callsMax(100)
                        .get()) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            proxy.holdReplies();
            List<CompletionStage<?>> calls = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
                calls.add(cache.submit(new SharedCommand.Invalidate(KEY, generation, Version.ABSENT)));
            }
            proxy.pass();
            int done = 0;
            for (CompletionStage<?> call : calls) {
                try {
                    reply(call);
                    done++;
                } catch (SharedReplicaFailure e) {
                    assertThat(e.reason()).isEqualTo(Reason.NOT_SENT);
                }
            }
            assertThat(done).isBetween(1, 299);
            assertThat(reply(cache.positions()).get(0).position().value()).isEqualTo(done);
        }
    }

    @Test
    void pausedServer_isNoticedByTheTimeout_andUsedAgainAfterwards() {
        try (RedisServer own = RedisServer.builder().arguments("--save", "").start();
                SharedReplica replica = Redis.at(own.uri())
                        .commandTimeout(TIMEOUT)
                        .connectTimeout(TIMEOUT)
                        .get()) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            own.pause();
            assertReason(Reason.NO_ANSWER, cache.submit(writeBack(generation, 1)));
            await().atMost(Duration.ofSeconds(10))
                    .untilAsserted(() -> assertReason(Reason.NOT_SENT, cache.submit(writeBack(generation, 2))));
            own.resume();
            awaitOpened(cache);
            assertThat(generation(cache)).isEqualTo(generation);
        }
    }

    @Test
    void restartedServer_hasANewGeneration_andKeepsWhatIsPending() {
        try (RedisServer own = RedisServer.builder()
                        .appendFsync(RedisServer.AppendFsync.ALWAYS)
                        .start();
                SharedReplica replica = fast(own.uri())) {
            SharedCache cache = opened(replica);
            Generation before = generation(cache);
            reply(cache.submit(writeBack(before, 1)));
            AtomicInteger interruptions = new AtomicInteger();
            cache.subscribe(counting(interruptions, new AtomicInteger()));
            await().until(() -> interruptions.get() == 1);
            own.kill();
            await().atMost(Duration.ofSeconds(10)).until(() -> interruptions.get() >= 2);
            assertReason(Reason.NOT_SENT, cache.submit(writeBack(before, 2)));
            own.start();
            awaitOpened(cache);
            assertThat(generation(cache)).isNotEqualTo(before);
            assertThat(reply(cache.pending()).get(0)).isEqualTo(1);
            assertThatThrownBy(() -> reply(cache.submit(writeBack(before, 2)))).isInstanceOf(GenerationChanged.class);
        }
    }

    @Test
    void scripts_theServerHasForgotten_areSentAgainOnce() {
        try (SharedReplica replica = fast(server.uri())) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            for (int i = 0; i < 3; i++) {
                wire.call("SCRIPT", "FLUSH");
                List<CompletionStage<?>> calls = new ArrayList<>();
                for (int j = 0; j < 5; j++) {
                    calls.add(cache.submit(new SharedCommand.Invalidate(KEY, generation, Version.ABSENT)));
                }
                calls.forEach(RedisFaultsTest::reply);
            }
            assertThat(reply(cache.positions()).get(0).position().value()).isEqualTo(15);
        }
    }

    @Test
    void fullMemory_refusesWriteBacks_andLetsThemDrain() {
        try (SharedReplica replica = fast(server.uri())) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            reply(cache.submit(writeBack(generation, 1)));
            wire.call("CONFIG", "SET", "maxmemory", "1mb");
            try {
                assertReason(Reason.OUT_OF_MEMORY, cache.submit(writeBack(generation, 2)));
                var pending = reply(cache.submit(new SharedCommand.Peek(0, generation, Duration.ZERO, 10)))
                        .get(0);
                reply(cache.submit(RedisDurabilityTest.drained(pending, generation)));
                assertThat(reply(cache.pending()).get(0)).isZero();
            } finally {
                wire.call("CONFIG", "SET", "maxmemory", "0");
            }
        }
    }

    @Test
    void bytesThatAreNoEntry_readAsNone() {
        try (SharedReplica replica = fast(server.uri())) {
            SharedCache cache = opened(replica);
            wire.call("SET", "faults:{things.0}:e:key", "garbage");
            wire.call("SET", "faults:{things.0}:e:other", new byte[] {9, 1, 2});
            assertThat(reply(cache.read(List.of(KEY)))).containsOnlyNulls();
            assertThat(reply(cache.read(List.of(KEY, new ShardKey(0, "other")))))
                    .containsOnlyNulls();
            assertReason(
                    Reason.REFUSED,
                    cache.submit(new SharedCommand.Lease(KEY, generation(cache), 1, Duration.ofSeconds(1))));
        }
    }

    @Test
    void pendingRecord_deletedByAStranger_isCountedAsLost() {
        try (SharedReplica replica = fast(server.uri())) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            reply(cache.submit(writeBack(generation, 1)));
            wire.call("DEL", "faults:{things.0}:e:key");
            assertThat(reply(cache.submit(new SharedCommand.Peek(0, generation, Duration.ZERO, 10))))
                    .isEmpty();
            var status = reply(cache.submit(new SharedCommand.Status(0, generation)));
            assertThat(status.lost()).isEqualTo(1);
            assertThat(status.queued()).isZero();
            assertThat(status.bytes()).as("what is gone takes no room").isZero();
        }
    }

    @Test
    void entryOrMeta_thatAStrangerMadeAList_isAsGoodAsNone() {
        try (SharedReplica replica = fast(server.uri())) {
            SharedCache cache = opened(replica);
            Generation generation = generation(cache);
            reply(cache.submit(writeBack(generation, 1)));
            wire.call("DEL", "faults:{things.0}:e:key");
            wire.call("RPUSH", "faults:{things.0}:e:key", "x");
            assertThat(reply(cache.submit(new SharedCommand.Peek(0, generation, Duration.ZERO, 10))))
                    .isEmpty();
            assertThat(reply(cache.submit(new SharedCommand.Status(0, generation)))
                            .lost())
                    .isEqualTo(1);
            assertThat(reply(cache.submit(writeBack(generation, 2)))).isInstanceOf(WriteBackReply.Accepted.class);

            wire.call("DEL", "faults:{things.0}:m");
            wire.call("RPUSH", "faults:{things.0}:m", "x");
            assertThatThrownBy(() -> reply(cache.submit(writeBack(generation, 3))))
                    .isInstanceOf(GenerationChanged.class);
            assertThat(reply(cache.submit(writeBack(generation(cache), 3))))
                    .isInstanceOf(WriteBackReply.Accepted.class);
        }
    }

    @Test
    void announcementsOfStrangers_areAnInterruption() {
        try (SharedReplica replica = fast(server.uri())) {
            SharedCache cache = opened(replica);
            AtomicInteger interruptions = new AtomicInteger();
            AtomicInteger announcements = new AtomicInteger();
            cache.subscribe(counting(interruptions, announcements));
            await().until(() -> interruptions.get() == 1);
            int expected = 1;
            for (String message : List.of("", "nonsense", "1 2", "1 2 3 x ", "99999999999999999999 1 1 1 k")) {
                wire.call("PUBLISH", "faults:things:changes", message);
                int now = ++expected;
                await().until(() -> interruptions.get() >= now);
            }
            reply(cache.submit(new SharedCommand.Invalidate(KEY, generation(cache), Version.ABSENT)));
            await().until(() -> announcements.get() == 1);
        }
    }

    @Test
    void close_leavesNoThread() {
        Set<Thread> before = Thread.getAllStackTraces().keySet();
        try (SharedReplica replica = fast(server.uri())) {
            SharedCache cache = opened(replica);
            cache.subscribe(counting(new AtomicInteger(), new AtomicInteger()));
            reply(cache.submit(writeBack(generation(cache), 1)));
        }
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(Thread.getAllStackTraces().keySet().stream()
                                .filter(thread -> thread.isAlive() && !before.contains(thread))
                                .map(Thread::getName)
                                .filter(name ->
                                        !name.startsWith("globalEventExecutor") && !name.startsWith("awaitility"))
                                .collect(Collectors.toSet()))
                        .isEmpty());
    }

    private static SharedReplica fast(TcpProxy proxy) {
        return fast(proxy.redisUri());
    }

    private static SharedReplica fast(String uri) {
        return Redis.at(uri)
                .commandTimeout(TIMEOUT)
                .connectTimeout(Duration.ofSeconds(5))
                .get();
    }

    private static SharedCache opened(SharedReplica replica) {
        SharedCache cache = replica.cache("faults", "things", 2);
        generation(cache);
        return cache;
    }

    private static Generation generation(SharedCache cache) {
        return reply(cache.submit(new SharedCommand.Open(0))).position().generation();
    }

    private static void awaitOpened(SharedCache cache) {
        await().atMost(Duration.ofSeconds(20)).ignoreExceptions().until(() -> {
            generation(cache);
            return true;
        });
    }

    private static SharedCommand<WriteBackReply> writeBack(Generation generation, long writeId) {
        return new SharedCommand.WriteBack(
                KEY,
                generation,
                EntryKind.VALUE,
                "value".getBytes(UTF_8),
                writeId,
                Condition.NONE,
                Optional.of(Version.ABSENT),
                QueueLimit.entries(10),
                Version.ABSENT);
    }

    private static AnnouncementListener counting(AtomicInteger interruptions, AtomicInteger announcements) {
        return new AnnouncementListener() {
            @Override
            public void announced(Announcement announcement) {
                announcements.incrementAndGet();
            }

            @Override
            public void interrupted() {
                interruptions.incrementAndGet();
            }
        };
    }

    private static void assertReason(Reason reason, CompletionStage<?> stage) {
        assertThatThrownBy(() -> reply(stage)).isInstanceOfSatisfying(SharedReplicaFailure.class, failure -> {
            assertThat(failure.reason()).isEqualTo(reason);
            assertThat(failure.getMessage()).doesNotContain("key", "value");
        });
    }

    private static <R> R reply(CompletionStage<R> stage) {
        try {
            return stage.toCompletableFuture().get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw (RuntimeException) e.getCause();
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }
}
