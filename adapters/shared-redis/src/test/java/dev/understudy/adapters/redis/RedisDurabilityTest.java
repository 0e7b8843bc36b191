package dev.understudy.adapters.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.model.Ack;
import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
import dev.understudy.servers.RedisConsole;
import dev.understudy.servers.RedisServer;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.LeaseReply;
import dev.understudy.spi.Pending;
import dev.understudy.spi.QueueLimit;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.SharedReplicaFailure;
import dev.understudy.spi.WriteBackReply;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Which acks a server can keep, how they are waited for, which servers are refused, and which rights suffice. */
final class RedisDurabilityTest {
    @Test
    void whyNot_evictingPolicy_isNamed() {
        try (RedisServer server = server(RedisServer.AppendFsync.ALWAYS);
                RedisWire wire = new RedisWire(server.host(), server.port());
                SharedReplica replica = Redis.at(server.uri()).get()) {
            assertThat(replica.whyNot(Ack.ACCEPTED)).isEmpty();
            assertThat(replica.whyNot(Ack.FSYNCED)).isEmpty();
            wire.call("CONFIG", "SET", "maxmemory-policy", "volatile-lru");
            assertThat(replica.whyNot(Ack.ACCEPTED)).isEmpty();
            wire.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
            assertThat(replica.whyNot(Ack.ACCEPTED)).get().asString().contains("allkeys-lru");
            assertThat(replica.whyNot(Ack.FSYNCED)).get().asString().contains("allkeys-lru");
        }
    }

    @Test
    void whyNot_fsynced_needsAlwaysOrATrustedWait() throws Exception {
        try (RedisServer server = server(RedisServer.AppendFsync.EVERYSEC);
                RedisWire wire = new RedisWire(server.host(), server.port());
                RedisReplica replica = Redis.at(server.uri()).open()) {
            ServerFacts facts = Objects.requireNonNull(replica.link()).facts();
            if (facts.hasTrustedWaitAof()) {
                assertThat(replica.whyNot(Ack.FSYNCED)).isEmpty();
                assertThat(settledAfterAWrite(replica, Ack.FSYNCED)).isTrue();
            } else {
                assertThat(replica.whyNot(Ack.FSYNCED)).get().asString().contains("everysec", "always");
            }
            wire.call("CONFIG", "SET", "appendonly", "no");
            assertThat(replica.whyNot(Ack.FSYNCED)).get().asString().contains("appendonly no");
        }
    }

    @Test
    void whyNot_fsynced_restingWhileTheFileIsRewritten_isRefused() {
        try (RedisServer server = server(RedisServer.AppendFsync.ALWAYS);
                RedisWire wire = new RedisWire(server.host(), server.port());
                SharedReplica replica = Redis.at(server.uri()).get()) {
            wire.call("CONFIG", "SET", "no-appendfsync-on-rewrite", "yes");
            assertThat(replica.whyNot(Ack.FSYNCED)).get().asString().contains("no-appendfsync-on-rewrite");
            wire.call("CONFIG", "SET", "no-appendfsync-on-rewrite", "no");
            assertThat(replica.whyNot(Ack.FSYNCED)).isEmpty();
        }
    }

    @Test
    void settle_underAlways_isTrueAtOnce() throws Exception {
        try (RedisServer server = server(RedisServer.AppendFsync.ALWAYS);
                SharedReplica replica = Redis.at(server.uri()).get()) {
            assertThat(settledAfterAWrite(replica, Ack.FSYNCED)).isTrue();
        }
    }

    @Test
    void replicas_areCountedAndWaitedFor_andRefusedAsTarget() throws Exception {
        try (RedisServer primary = server(RedisServer.AppendFsync.EVERYSEC);
                RedisWire wire = new RedisWire(primary.host(), primary.port());
                SharedReplica replica = Redis.at(primary.uri()).get()) {
            assertThat(replica.whyNot(Ack.replicated(1))).get().asString().contains("0 replicas");
            assertThat(settledAfterAWrite(replica, Ack.replicated(1))).isFalse();
            try (RedisServer copy = RedisServer.builder()
                    .arguments("--save", "", "--replicaof", primary.host(), String.valueOf(primary.port()))
                    .start()) {
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> replica.whyNot(Ack.replicated(1)).isEmpty());
                await().atMost(Duration.ofSeconds(30)).until(() -> settledAfterAWrite(replica, Ack.replicated(1)));
                assertThat(replica.whyNot(Ack.replicated(2))).isPresent();
                assertThatThrownBy(() -> Redis.at(copy.uri()).get())
                        .isInstanceOf(Invalid.class)
                        .hasMessageContaining(String.valueOf(copy.port()))
                        .hasMessageContaining("replica");

                wire.call("CONFIG", "SET", "maxmemory", "1mb");
                assertThat(settled(replica, Ack.replicated(1))).isTrue();
            }
        }
    }

    private static Generation open(SharedCache cache) throws Exception {
        return reply(cache.submit(new SharedCommand.Open(0))).position().generation();
    }

    private static boolean isFollowing(RedisServer server) {
        try (RedisConsole console = new RedisConsole(server)) {
            return console.info("replication", "master_link_status").equals("up");
        }
    }

    @Test
    void firstReplica_thatComesWhileInstancesRun_beginsNoGeneration() throws Exception {
        try (RedisServer primary = server(RedisServer.AppendFsync.EVERYSEC);
                SharedReplica early = Redis.at(primary.uri()).get()) {
            Generation generation = open(early.cache("durability", "things", 2));
            try (RedisServer copy = RedisServer.builder()
                    .arguments("--save", "")
                    .replicaOf(primary.host(), primary.port())
                    .start()) {
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> early.whyNot(Ack.replicated(1)).isEmpty());
                assertThat(copy.port()).isNotEqualTo(primary.port());
                try (SharedReplica late = Redis.at(primary.uri()).get()) {
                    assertThat(open(late.cache("durability", "things", 2))).isEqualTo(generation);
                }
            }
        }
    }

    @Test
    void primary_thatWasAReplicaMeanwhile_hasOneNewGenerationForAllWhoeverOpensFirst() throws Exception {
        try (RedisServer primary = server(RedisServer.AppendFsync.EVERYSEC);
                RedisServer other = server(RedisServer.AppendFsync.EVERYSEC);
                RedisWire wire = new RedisWire(primary.host(), primary.port());
                SharedReplica early = Redis.at(primary.uri()).get()) {
            SharedCache before = early.cache("durability", "things", 2);
            Generation generation = open(before);
            wire.call("REPLICAOF", other.host(), String.valueOf(other.port()));
            await().atMost(Duration.ofSeconds(30)).until(() -> isFollowing(primary));
            wire.call("REPLICAOF", "NO", "ONE");
            try (SharedReplica late = Redis.at(primary.uri()).get()) {
                SharedCache after = late.cache("durability", "things", 2);
                Generation next = open(after);
                assertThat(next).isNotEqualTo(generation);
                await().atMost(Duration.ofSeconds(30))
                        .ignoreExceptions()
                        .untilAsserted(() -> assertThat(open(before)).isEqualTo(next));
                assertThat(open(after)).isEqualTo(next);
            }
        }
    }

    @Test
    void aclUser_withTheRightsListed_suffices() throws Exception {
        try (RedisServer server = server(RedisServer.AppendFsync.ALWAYS);
                RedisWire wire = new RedisWire(server.host(), server.port())) {
            wire.call((Object[]) ("ACL SETUSER app on >secret resetkeys ~durability:* resetchannels &durability:* -@all"
                            + " +get +mget +set +mset +getrange +setrange +pexpire +persist +del +zadd +zcard +zrem +zrange +zrangebyscore +eval +evalsha"
                            + " +script|load +publish +subscribe +unsubscribe +info +time +ping +wait")
                    .split(" "));
            String uri = "redis://app:secret@" + server.host() + ":" + server.port();
            try (SharedReplica replica = Redis.at(uri).get()) {
                assertThat(replica.whyNot(Ack.FSYNCED)).get().asString().contains("CONFIG GET");
                assertThat(settledAfterAWrite(replica, Ack.replicated(1))).isFalse();
                SharedCache cache = replica.cache("durability", "things", 2);
                AtomicInteger interruptions = new AtomicInteger();
                cache.subscribe(new AnnouncementListener() {
                    @Override
                    public void announced(Announcement announcement) {
                        interruptions.addAndGet(100);
                    }

                    @Override
                    public void interrupted() {
                        interruptions.incrementAndGet();
                    }
                });
                await().until(() -> interruptions.get() == 1);
                everyCommand(cache);
                await().until(() -> interruptions.get() > 100);
                wire.call("SCRIPT", "FLUSH");
                everyCommand(cache);
            }
            try (SharedReplica declared =
                    Redis.at(uri).appendFsync(Redis.AppendFsync.ALWAYS).get()) {
                assertThat(declared.whyNot(Ack.FSYNCED)).isEmpty();
                assertThat(settledAfterAWrite(declared, Ack.FSYNCED)).isTrue();
            }
            assertThatThrownBy(() -> Redis.at(uri.replace("secret", "wrong")).get())
                    .isInstanceOf(Unavailable.class)
                    .hasMessageContaining("WRONGPASS")
                    .hasMessageNotContaining("wrong@");
        }
    }

    /** An entry that the server does not let the script write stays pending and queued, whatever the others of its step do. */
    @Test
    void drained_ofSeveralThatMayNotBeWritten_leavesThemQueued() throws Exception {
        try (RedisServer server = server(RedisServer.AppendFsync.ALWAYS);
                RedisWire wire = new RedisWire(server.host(), server.port())) {
            wire.call((Object[]) "ACL SETUSER app on >secret ~* &* +@all".split(" "));
            String uri = "redis://app:secret@" + server.host() + ":" + server.port();
            try (SharedReplica replica = Redis.at(uri).get()) {
                drainWithoutARight(replica, wire);
            }
        }
    }

    private static void drainWithoutARight(SharedReplica replica, RedisWire wire) throws Exception {
        assertThat(settledAfterAWrite(replica, Ack.FSYNCED)).isTrue();
        SharedCache cache = replica.cache("durability", "things", 2);
        var generation =
                reply(cache.submit(new SharedCommand.Open(0))).position().generation();
        var pending = reply(cache.submit(new SharedCommand.Peek(0, generation, Duration.ZERO, 100)));
        assertThat(pending).hasSize(1);
        var drained = drained(pending.get(0), generation);
        for (String right : List.of("pexpire", "setrange")) {
            wire.call("ACL", "SETUSER", "app", "-" + right);

            for (var refused : cache.drained(List.of(drained, drained))) {
                assertThatThrownBy(() -> reply(refused)).hasCauseInstanceOf(SharedReplicaFailure.class);
            }

            assertThat(reply(cache.pending()).get(0)).isOne();
            var still = reply(cache.submit(new SharedCommand.Peek(0, generation, Duration.ZERO, 100)));
            assertThat(still.get(0).entry().pending()).isTrue();
            assertOthersGoOn(cache, drained);
            wire.call("ACL", "SETUSER", "app", "+" + right);
        }
        var replies = cache.drained(Collections.nCopies(700, drained)); // more than are under way at a time
        assertThat(reply(replies.get(0))).isEqualTo(DrainedReply.CLEAN);
        for (var again : replies.subList(1, 700)) {
            assertThat(reply(again)).isEqualTo(DrainedReply.GONE);
        }
        assertThat(reply(cache.pending()).get(0)).isZero();
    }

    /** A step that is refused stands in the way of none that waits to be sent. */
    private static void assertOthersGoOn(SharedCache cache, SharedCommand.Drained refused) throws Exception {
        var generation =
                reply(cache.submit(new SharedCommand.Open(1))).position().generation();
        SharedCommand.Drained other = new SharedCommand.Drained(
                new ShardKey(1, "other"),
                generation,
                refused.version(),
                refused.kind(),
                refused.fate(),
                Optional.empty(),
                Duration.ofMinutes(1),
                1);
        List<SharedCommand.Drained> commands = new ArrayList<>(List.of(refused));
        commands.addAll(Collections.nCopies(700, other));
        var replies = cache.drained(commands);
        assertThatThrownBy(() -> reply(replies.get(0))).hasCauseInstanceOf(SharedReplicaFailure.class);
        for (var answer : replies.subList(1, 701)) {
            assertThat(reply(answer)).isEqualTo(DrainedReply.GONE);
        }
    }

    static SharedCommand.Drained drained(Pending pending, Generation generation) {
        return new SharedCommand.Drained(
                pending.key(),
                generation,
                pending.entry().version(),
                pending.entry().kind(),
                SharedCommand.Fate.APPLIED,
                Optional.empty(),
                Duration.ofMinutes(1),
                pending.entry().writeId());
    }

    private static void everyCommand(SharedCache cache) throws Exception {
        var generation =
                reply(cache.submit(new SharedCommand.Open(0))).position().generation();
        ShardKey key = new ShardKey(0, "every");
        var prepared =
                reply(cache.submit(new SharedCommand.Prepare(key, generation, Duration.ofSeconds(5), Version.ABSENT)));
        reply(cache.submit(new SharedCommand.Renew(key, generation, Duration.ofSeconds(5), prepared.deadlineMicros())));
        reply(cache.submit(new SharedCommand.Apply(
                key,
                generation,
                SharedCommand.AppliedChange.DELETED,
                prepared.version(),
                new byte[0],
                Duration.ofMinutes(1),
                Optional.of(prepared),
                1,
                false)));
        assertThat(reply(cache.submit(new SharedCommand.Lease(key, generation, 2, Duration.ofSeconds(1)))))
                .isInstanceOf(LeaseReply.Granted.class);
        reply(cache.submit(new SharedCommand.Fill(
                key, generation, 2, EntryKind.ABSENT, Version.ABSENT, new byte[0], Duration.ofMinutes(1))));
        for (boolean isAsked : new boolean[] {false, true}) {
            reply(cache.submit(new SharedCommand.Restore(
                    key,
                    generation,
                    EntryKind.VALUE,
                    new byte[] {1},
                    3,
                    new Version(4_000_000_000_000_000L),
                    4,
                    isAsked)));
        }
        var pending = reply(cache.submit(new SharedCommand.Peek(0, generation, Duration.ZERO, 100)));
        assertThat(pending).isNotEmpty();
        for (var each : pending) {
            reply(cache.submit(drained(each, generation)));
        }
        reply(cache.submit(new SharedCommand.Invalidate(key, generation, Version.UNKNOWN)));
        reply(cache.submit(new SharedCommand.ReportLost(0, generation, 0)));
        reply(cache.positions());
        reply(cache.pending());
    }

    @Test
    void facts_ofServersThatCannotServe_areRefused() {
        Map<String, String> good = Map.of("redis_version", "7.0.15", "role", "master", "redis_mode", "standalone");
        new ServerFacts(good, Map.of()).verify("here");
        assertRefused(good, "redis_version", "6.2.14", "6.2.14");
        assertRefused(good, "role", "slave", "replica");
        assertRefused(good, "redis_mode", "cluster", "cluster");
        assertThat(facts(good, "run_id", "a").era())
                .isNotEqualTo(facts(good, "run_id", "b").era());
        assertThat(facts(good, "run_id", "a").era()).isBetween(0L, (1L << 48) - 1);
        assertThat(facts(good, "master_replid", "a").era())
                .isEqualTo(facts(good, "master_replid", "b").era());
        assertThat(facts(good, "master_replid2", "a").era())
                .isNotEqualTo(facts(good, "second_repl_offset", "7").era());
        assertThat(facts(good, "redis_version", "8.0.2").hasTrustedWaitAof()).isTrue();
        assertThat(facts(good, "redis_version", "7.4.2").hasTrustedWaitAof()).isFalse();
        Map<String, String> valkey = new HashMap<>(good);
        valkey.put("server_name", "valkey");
        valkey.put("valkey_version", "9.0.0");
        assertThat(facts(valkey, "redis_version", "9.0.0").hasTrustedWaitAof()).isFalse();
    }

    private static void assertRefused(Map<String, String> good, String field, String value, String named) {
        assertThatThrownBy(() -> facts(good, field, value).verify("here"))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("here")
                .hasMessageContaining(named);
    }

    private static ServerFacts facts(Map<String, String> good, String field, String value) {
        Map<String, String> fields = new HashMap<>(good);
        fields.put(field, value);
        return new ServerFacts(fields, Map.of());
    }

    private static RedisServer server(RedisServer.AppendFsync policy) {
        return RedisServer.builder().appendFsync(policy).arguments("--save", "").start();
    }

    private static boolean settledAfterAWrite(SharedReplica replica, Ack ack) throws Exception {
        SharedCache cache = replica.cache("durability", "things", 2);
        var generation =
                reply(cache.submit(new SharedCommand.Open(0))).position().generation();
        WriteBackReply accepted = reply(cache.submit(new SharedCommand.WriteBack(
                new ShardKey(0, "k"),
                generation,
                EntryKind.VALUE,
                new byte[10],
                System.nanoTime() & 0xFFFFFFFFFFFFL,
                SharedCommand.Condition.NONE,
                Optional.of(Version.ABSENT),
                QueueLimit.entries(10),
                Version.ABSENT)));
        assertThat(accepted).isInstanceOf(WriteBackReply.Accepted.class);
        return settled(replica, ack);
    }

    private static boolean settled(SharedReplica replica, Ack ack) throws Exception {
        return reply(replica.settle(ack, Duration.ofSeconds(2), replica.serverId()));
    }

    private static <R> R reply(CompletionStage<R> stage) throws Exception {
        return stage.toCompletableFuture().get(20, TimeUnit.SECONDS);
    }
}
