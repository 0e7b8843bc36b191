package dev.understudy.adapters.redis;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Generation;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.QueueLimit;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.Condition;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Reads of one entry each, by many callers at once: what they share of a request, and what they do not. */
final class JoinedReadsTest {
    /** Two requests under way, and one that waits and takes all the others. */
    private static final int READS = 40;

    private static final int SHARDS = 4;
    private static final int CALLS_MAX = 100;

    private final RedisServer server =
            RedisServer.builder().arguments("--save", "").start();
    private final RedisWire wire = new RedisWire(server.host(), server.port());
    private final TcpProxy proxy = TcpProxy.to(server);
    private final SharedReplica replica = Redis.at(proxy.redisUri())
            .commandTimeout(Duration.ofSeconds(10))
            .callsMax(CALLS_MAX)
            .get();
    private final SharedCache cache = replica.cache("joined", "things", SHARDS);

    @BeforeEach
    void write() throws Exception {
        List<Generation> generations = new ArrayList<>();
        for (int shard = 0; shard < SHARDS; shard++) {
            generations.add(reply(cache.submit(new SharedCommand.Open(shard)))
                    .position()
                    .generation());
        }
        for (int i = 0; i < READS - 1; i++) {
            reply(cache.submit(new SharedCommand.WriteBack(
                    key(i),
                    generations.get(key(i).shard()),
                    EntryKind.VALUE,
                    ("value of " + i).getBytes(UTF_8),
                    i + 1,
                    Condition.NONE,
                    Optional.of(Version.ABSENT),
                    QueueLimit.entries(READS),
                    Version.ABSENT)));
        }
    }

    @AfterEach
    void close() {
        replica.close();
        proxy.close();
        wire.close();
        server.close();
    }

    @Test
    void reads_whileOthersAreUnderWay_goTogether_andEachGetsItsOwn() throws Exception {
        wire.call("CONFIG", "RESETSTAT");
        proxy.holdReplies();
        List<CompletionStage<List<@Nullable SharedEntry>>> reads = all();
        proxy.pass();
        for (int i = 0; i < READS - 1; i++) {
            SharedEntry entry = reply(reads.get(i)).get(0);
            assertThat(entry).isNotNull();
            assertThat(new String(entry.bytes(), entry.offset(), entry.length(), UTF_8))
                    .isEqualTo("value of " + i);
        }
        assertThat(reply(reads.get(READS - 1))).containsExactly((SharedEntry) null);
        assertThat(calls("get")).isEqualTo(2);
        assertThat(calls("mget")).isEqualTo(1);
    }

    @Test
    void reads_ofAServerThatIsFar_areUnderWayAtTheSameTime() throws Exception {
        proxy.latency(Duration.ofMillis(5));
        for (int i = 0; i < 320; i++) {
            // The shortest round trip is still one of before.
            reply(cache.read(List.of(key(0))));
        }
        wire.call("CONFIG", "RESETSTAT");
        proxy.latency(Duration.ZERO);
        proxy.holdReplies();
        List<CompletionStage<List<@Nullable SharedEntry>>> reads = all();
        proxy.pass();
        for (CompletionStage<List<@Nullable SharedEntry>> read : reads) {
            reply(read);
        }
        assertThat(calls("get")).isGreaterThan(10);
    }

    @Test
    void reads_overTheBound_areNotSent_andThoseBelowItAreAnswered() throws Exception {
        proxy.holdReplies();
        List<CompletionStage<List<@Nullable SharedEntry>>> reads = IntStream.range(0, 3 * CALLS_MAX)
                .mapToObj(i -> cache.read(List.of(key(i % READS))))
                .toList();
        assertThatThrownBy(() -> reply(reads.get(reads.size() - 1)))
                .cause()
                .isInstanceOfSatisfying(
                        SharedReplicaFailure.class,
                        failure -> assertThat(failure.reason()).isEqualTo(SharedReplicaFailure.Reason.NOT_SENT));
        proxy.pass();
        for (int i = 0; i < CALLS_MAX; i++) {
            assertThat(reply(reads.get(i))).hasSize(1);
        }
        assertThat(reply(cache.read(List.of(key(0))))).hasSize(1);
    }

    @Test
    void reads_whoseConnectionIsLost_allEnd() {
        proxy.holdReplies();
        List<CompletionStage<List<@Nullable SharedEntry>>> reads = all();
        proxy.cut();
        reads.forEach(read -> assertThatThrownBy(() -> reply(read)).hasCauseInstanceOf(SharedReplicaFailure.class));
    }

    private List<CompletionStage<List<@Nullable SharedEntry>>> all() {
        return IntStream.range(0, READS)
                .mapToObj(i -> cache.read(List.of(key(i))))
                .toList();
    }

    private long calls(String command) {
        String statistics = new String((byte[]) wire.call("INFO", "commandstats"), UTF_8);
        return statistics
                .lines()
                .filter(line -> line.startsWith("cmdstat_" + command + ":"))
                .mapToLong(line -> Long.parseLong(line.replaceAll(".*:calls=(\\d+),.*", "$1")))
                .sum();
    }

    private static ShardKey key(int i) {
        return ShardKey.of("key" + i, SHARDS);
    }

    private static <R> R reply(CompletionStage<R> stage) throws Exception {
        try {
            return stage.toCompletableFuture().get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }
}
