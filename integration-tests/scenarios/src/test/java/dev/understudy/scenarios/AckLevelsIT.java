package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.model.Ack;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.servers.RedisConsole;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.RedisServer.AppendFsync;
import dev.understudy.servers.TcpProxy;
import java.time.Duration;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What each ack level promises, on real servers that lose power, stop, or are replaced by their replica. */
class AckLevelsIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Ack ONE_REPLICA = Ack.replicated(1);
    private static final Duration SHORT = Duration.ofMillis(700);

    @RegisterExtension
    final Instances instances = new Instances();

    private RedisServer redis(RedisServer.Builder builder) {
        RedisServer redis = instances.closing(builder.start());
        instances.redisUri(redis.uri());
        return redis;
    }

    private CachedRepository<Long, Item> items(Consumer<RepositoryBuilder.Back> back) {
        return instances.items(instances.open(), COLUMN, settings -> settings.allowWriteBack(back::accept));
    }

    /** Waits until the replica follows its primary. */
    private static void awaitSynced(RedisServer replica) {
        try (RedisConsole console = new RedisConsole(replica)) {
            await().atMost(Duration.ofSeconds(30))
                    .until(() ->
                            console.info("replication", "master_link_status").equals("up"));
        }
    }

    private static boolean waitsForTheDisk(RedisServer redis) {
        return redis.description().matches(".*Redis ([89]|\\d\\d+)\\..*");
    }

    @Test
    void fsynced_underEverysec_waitsForTheDiskOrIsRefusedWithTheReason() {
        RedisServer redis = redis(RedisServer.builder().appendFsync(AppendFsync.EVERYSEC));
        instances.createItems(COLUMN);
        if (!waitsForTheDisk(redis)) {
            Invalid atStart = catchThrowableOfType(Invalid.class, () -> items(back -> back.ack(Ack.FSYNCED)));
            assertThat(atStart).isNotNull();
            assertThat(atStart).hasMessageContainingAll("FSYNCED", "appendfsync is everysec", "always");
            CachedRepository<Long, Item> accepting = items(back -> {});
            Invalid atCall = catchThrowableOfType(
                    Invalid.class,
                    () -> accepting.save(Item.of(1, 1), Write.back().ack(Ack.FSYNCED)));
            assertThat(atCall).isNotNull();
            assertThat(atCall.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            assertThat(accepting.writeBackStatus().acked()).isZero();
            return;
        }
        CachedRepository<Long, Item> items = items(back -> back.ack(Ack.FSYNCED));
        items.pauseDrain();
        try (RedisConsole console = new RedisConsole(redis)) {
            WriteReceipt receipt = items.save(Item.of(1, 1), Write.defaults().timeout(Duration.ofSeconds(5)));
            assertThat(receipt.mode()).isNotNull();
            items.save(Item.of(1, 2), Write.back().timeout(Duration.ofSeconds(5)));
            assertThat(console.info("commandstats", "cmdstat_waitaof")).contains("calls=");
        }
        losePowerAfter(redis, items, 20, Duration.ofSeconds(5));
    }

    @Test
    void fsynced_underAlways_survivesPowerLoss() {
        RedisServer redis = redis(RedisServer.builder().appendFsync(AppendFsync.ALWAYS));
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = items(back -> back.ack(Ack.FSYNCED));
        items.pauseDrain();
        losePowerAfter(redis, items, 500, Duration.ofSeconds(2));
    }

    /** Writes, cuts the append-only file back to what it was after the last acknowledgement, and expects every write. */
    private void losePowerAfter(RedisServer redis, CachedRepository<Long, Item> items, int writes, Duration timeout) {
        for (int id = 1; id <= writes; id++) {
            WriteReceipt receipt = items.save(Item.of(id, 5), Write.back().timeout(timeout));
            assertThat(receipt.ack()).isEqualTo(Ack.FSYNCED);
        }
        redis.killLosing(redis.appendLog());
        redis.start();
        await().atMost(Duration.ofSeconds(15))
                .ignoreExceptionsInstanceOf(Unavailable.class)
                .untilAsserted(() -> assertThat(
                                items.read((long) writes, Read.strong()).value())
                        .contains(Item.of(writes, 5)));
        items.resumeDrain();
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = 5"))
                .isEqualTo(writes);
        assertThat(items.counters().restoredWrites.sum())
                .as("none had to be put back")
                .isZero();
    }

    @Test
    void replicated_withoutAReplica_isRefusedAtStartWithTheReason() {
        redis(RedisServer.builder());
        instances.createItems(COLUMN);
        Invalid refused = catchThrowableOfType(Invalid.class, () -> items(back -> back.ack(ONE_REPLICA)));
        assertThat(refused).isNotNull();
        assertThat(refused).hasMessageContainingAll("REPLICATED", "0 replicas");
    }

    @Test
    void replicated_withTheReplicaStopped_failsWithUnknownOutcomeOrIsDegradedAndCounted() {
        RedisServer primary = redis(RedisServer.builder());
        RedisServer replica = instances.closing(
                RedisServer.builder().replicaOf(primary.host(), primary.port()).start());
        awaitSynced(replica);
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> failing = items(back -> back.ack(ONE_REPLICA));
        CachedRepository<Long, Item> degrading =
                items(back -> back.ack(ONE_REPLICA).degradeOnAckTimeout());
        Write back = Write.back().timeout(SHORT);
        assertThat(failing.save(Item.of(1, 1), back).ack()).isEqualTo(ONE_REPLICA);
        assertThat(degrading.save(Item.of(2, 1), back).ack()).isEqualTo(ONE_REPLICA);
        replica.pause();
        long begin = System.nanoTime();
        DeadlineExceeded late = catchThrowableOfType(DeadlineExceeded.class, () -> failing.save(Item.of(1, 2), back));
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isBetween(SHORT, SHORT.multipliedBy(4));
        assertThat(late).isNotNull();
        assertThat(late.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(failing.counters().ackTimeouts.sum()).isEqualTo(1);
        WriteReceipt degraded = degrading.save(Item.of(2, 2), back);
        assertThat(degraded.ack()).isEqualTo(Ack.ACCEPTED);
        assertThat(degrading.counters().ackTimeouts.sum()).isEqualTo(1);
        assertThat(failing.save(Item.of(3, 1), back.ack(Ack.ACCEPTED)).ack()).isEqualTo(Ack.ACCEPTED);
        replica.resume();
        await().atMost(Duration.ofSeconds(10))
                .ignoreExceptionsInstanceOf(DeadlineExceeded.class)
                .untilAsserted(() ->
                        assertThat(failing.save(Item.of(1, 3), back).ack()).isEqualTo(ONE_REPLICA));
        assertThat(failing.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item ORDER BY id"))
                .containsExactly("1|3", "2|2", "3|1");
        // The writes that failed for their ack were logged all the same.
        instances.ackedElsewhere(failing.writeBackStatus().acked()
                - failing.counters().backWrites.sum()
                - degrading.counters().backWrites.sum());
    }

    @Test
    void replicated_primaryKilledAndReplicaPromoted_losesNothingAndWhatWasOnlyAcceptedIsPutBack() {
        RedisServer primary = instances.closing(RedisServer.builder().start());
        TcpProxy replication = instances.closing(TcpProxy.to(primary));
        RedisServer replica = instances.closing(RedisServer.builder()
                .replicaOf(replication.host(), replication.port())
                .start());
        awaitSynced(replica);
        TcpProxy proxy = instances.closing(TcpProxy.to(primary));
        instances.redisUri(proxy.redisUri());
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> living = items(back -> {});
        Instance dying = instances.open();
        CachedRepository<Long, Item> gone =
                instances.items(dying, COLUMN, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        living.pauseDrain();
        Write replicated = Write.back().ack(ONE_REPLICA);
        for (long id = 1; id <= 100; id++) {
            assertThat(living.save(Item.of(id, 1), replicated).ack()).isEqualTo(ONE_REPLICA);
            assertThat(gone.save(Item.of(1_000 + id, 1), replicated).ack()).isEqualTo(ONE_REPLICA);
        }
        replication.blackhole();
        for (long id = 1; id <= 50; id++) {
            living.save(Item.of(id, 2), Write.back());
            living.save(Item.of(200 + id, 2), Write.back());
        }
        instances.close(dying, Duration.ofMillis(1));
        primary.kill();
        proxy.blackhole();
        proxy.cut();
        replication.cut();
        try (RedisConsole console = new RedisConsole(replica)) {
            console.call("REPLICAOF NO ONE");
        }
        proxy.target(replica);
        proxy.pass();
        await().atMost(Duration.ofSeconds(30))
                .untilAsserted(
                        () -> assertThat(living.counters().restoredWrites.sum()).isEqualTo(100));
        living.resumeDrain();
        assertThat(living.drain(Duration.ofSeconds(30))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE id > 1000 AND amount = 1"))
                .as("acknowledged at REPLICATED(1), writer gone")
                .isEqualTo(100);
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE id BETWEEN 51 AND 100 AND amount = 1"))
                .as("acknowledged at REPLICATED(1), writer alive")
                .isEqualTo(50);
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE id <= 250 AND amount = 2"))
                .as("only accepted, put back")
                .isEqualTo(100);
        assertThat(living.writeBackStatus().lost()).isZero();
    }
}
