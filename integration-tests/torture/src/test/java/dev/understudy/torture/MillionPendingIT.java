package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisConsole;
import dev.understudy.servers.RedisServer;
import dev.understudy.torture.RatedWriters.Rates;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Postgres is stopped until {@code -Dtorture.pending} keys are pending, 20,000 unless told and a million under the profile
 * {@code torture}, and comes back. Two instances write; both drain.
 */
class MillionPendingIT {
    /** From here on a phase lasts several seconds, so that its rate says something. */
    private static final int LONG_RUN = 500_000;

    private static final int THREADS = 16;
    private static final Duration LIMIT = Duration.ofMinutes(20);

    /** What docs/configuration.md states for one instance: of a pending write of its own, beside key and value, and of all their values. */
    private static final long RECORD_BYTES = 256;

    private static final long PAYLOADS_BYTES = 64L << 20;
    /** What a JVM holds more or less at one moment than at another. */
    private static final long SLACK_BYTES = 16L << 20;

    private final int pending = Integer.getInteger("torture.pending", 20_000);
    private final int known = pending / 20;
    private final List<Plain> instances = new ArrayList<>();
    private RedisServer redis;
    private PostgresServer postgres;
    private String jdbcUrl;

    @BeforeEach
    void start() throws SQLException {
        redis = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.EVERYSEC)
                .start();
        postgres = PostgresServer.builder().start();
        jdbcUrl = postgres.createDatabase("million");
        Cycles.install(jdbcUrl);
        for (int i = 0; i < 2; i++) {
            instances.add(Plain.open(
                    redis.uri(),
                    jdbcUrl,
                    back -> back.maximumPending(2 * pending + 1_000).maximumBytes(4L << 30)));
        }
    }

    @AfterEach
    void stop() {
        instances.forEach(Plain::close);
        postgres.close();
        redis.close();
    }

    @Test
    void writeBack_ofAMillionKeysWhilePostgresIsStopped_keepsItsRateAndItsBoundsAndDrains() throws SQLException {
        CachedRepository<Long, Entry> one = instances.get(0).entries();
        Rates cold = write(0, known);
        drainAll();
        write(0, known);
        drainAll();
        Rates before = write(0, known);
        drainAll();
        instances.forEach(instance -> instance.entries().pauseDrain());
        Rates undisturbed = write(0, known);
        instances.forEach(instance -> instance.entries().resumeDrain());
        drainAll();
        WriteBackStatus earlier = one.writeBackStatus();
        long heapBefore = heap();
        long memoryBefore = usedMemory(redis);

        postgres.stop();
        Rates away = write(known, pending);
        long began = System.nanoTime();
        WriteBackStatus full = one.writeBackStatus();
        Duration statusTook = Duration.ofNanos(System.nanoTime() - began);
        long heap = heap() - heapBefore;
        long memory = usedMemory(redis) - memoryBefore;
        System.out.printf(
                "pending: acknowledged per second: %s with Postgres up and keys it is asked for, %s and keys that are known,"
                        + " %s and the drain paused; %s with it stopped%n",
                cold, before, undisturbed, away);
        System.out.printf(
                "pending: %s, told in %d ms; heap of both instances %d MB more, %d B an entry; Redis %d MB more, %d B an entry%n",
                full, statusTook.toMillis(), heap >> 20, heap / pending, memory >> 20, memory / pending);
        assertThat(full.pending()).isEqualTo(pending);
        assertThat(full.lag().entries()).isEqualTo(pending);
        assertThat(full.isConserved()).as("%s", full).isTrue();
        assertThat(statusTook).isLessThan(Duration.ofSeconds(1));
        assertThat(heap).isLessThan(instances.size() * PAYLOADS_BYTES + (long) pending * RECORD_BYTES + SLACK_BYTES);
        if (pending >= LONG_RUN) {
            assertThat(away.mean()).isGreaterThanOrEqualTo(0.9 * before.mean());
            assertThat(away.last()).isGreaterThanOrEqualTo(0.9 * before.mean());
        }

        postgres.start();
        List<WriteBackStatus> samples = drainSampled(one);
        WriteBackStatus last = samples.get(samples.size() - 1);
        assertThat(last.applied() - earlier.applied()).isEqualTo(pending);
        assertThat(last.dead() + last.lost()).isZero();
        assertThat(rowsAsWritten()).isEqualTo(known + pending);
        assertThat(heap() - heapBefore).isLessThan(SLACK_BYTES);
    }

    /** Looks at the status until nothing is pending; each look shows less than the one before, and how old the oldest is. */
    private List<WriteBackStatus> drainSampled(CachedRepository<Long, Entry> entries) {
        List<WriteBackStatus> samples = new ArrayList<>();
        long began = System.nanoTime();
        await().pollInterval(Duration.ofMillis(pending >= LONG_RUN ? 1_000 : 50))
                .atMost(LIMIT)
                // On a busy machine the look may come too late, or its connection be lost.
                .ignoreExceptionsInstanceOf(UnderstudyException.class)
                .until(() -> {
                    WriteBackStatus status = entries.writeBackStatus();
                    samples.add(status);
                    System.out.printf(
                            "pending: %.1f s after the start %d are left, the oldest %.1f s old%n",
                            (System.nanoTime() - began) / 1e9,
                            status.pending(),
                            status.lag().oldest().toMillis() / 1e3);
                    return status.pending() == 0;
                });
        long previous = Long.MAX_VALUE;
        for (WriteBackStatus status : samples) {
            assertThat(status.isConserved()).as("%s", status).isTrue();
            assertThat(status.pending()).isLessThanOrEqualTo(previous);
            assertThat(status.lag().oldest().isZero()).isEqualTo(status.pending() == 0);
            previous = status.pending();
        }
        assertThat(samples.stream().map(WriteBackStatus::pending).distinct().count())
                .as("looks that showed progress")
                .isGreaterThanOrEqualTo(3);
        return samples;
    }

    private Rates write(long from, int count) {
        RatedWriters writers = new RatedWriters(THREADS, from, count);
        return writers.run((thread, id) ->
                instances.get(thread % instances.size()).entries().save(entry(id), Write.back()));
    }

    private static Entry entry(long id) {
        return new Entry(id, 3 * id + 1, "x".repeat(300));
    }

    private void drainAll() {
        assertThat(instances.get(0).entries().drain(LIMIT)).isZero();
    }

    private long rowsAsWritten() throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("SELECT count(*) FROM " + Entry.TABLE
                        + " WHERE number = 3 * id + 1 AND text = repeat('x', 300) AND id BETWEEN 0 AND "
                        + (known + pending - 1))) {
            result.next();
            return result.getLong(1);
        }
    }

    /** Bytes in use once what is garbage has been collected. */
    private static long heap() {
        System.gc();
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }

    /** Bytes that the server has allocated. */
    private static long usedMemory(RedisServer redis) {
        try (RedisConsole console = new RedisConsole(redis)) {
            return Long.parseLong(console.info("memory", "used_memory"));
        }
    }
}
