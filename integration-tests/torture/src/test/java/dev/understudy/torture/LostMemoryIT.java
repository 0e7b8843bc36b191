package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.checkers.Copies;
import dev.understudy.checkers.LastWrites;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.checkers.Violation;
import dev.understudy.engine.Counters;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.RedisServer.AppendLog;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The shared replica forgets writes that it has acknowledged, while the instances that made them live: {@code -Dtorture.losses} of them
 * under load, 2 unless told.
 */
class LostMemoryIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int KEYS = 2_000;
    private static final long OTHERS = 1_000_000;

    private static RedisServer redis;
    private static PostgresServer postgres;

    private final int rounds = Integer.getInteger("torture.losses", 2);
    private final LastWrites lastWrites = new LastWrites();
    private final LossReports reports = new LossReports();
    private final String jdbcUrl = postgres.createDatabase("torture");
    private final List<Member> members = new ArrayList<>();

    /** How the memory is lost. */
    enum Loss {
        /** The server dies with its machine, and what its append-only file had not on disk is gone. */
        POWER,
        /** Somebody empties the server; connections stay. */
        FLUSH
    }

    @BeforeAll
    static void startServers() {
        redis = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.EVERYSEC)
                .arguments("--auto-aof-rewrite-percentage", "0")
                .start();
        postgres = PostgresServer.builder().start();
    }

    @AfterAll
    static void stopServers() {
        postgres.close();
        redis.close();
    }

    @AfterEach
    void stop() {
        members.forEach(Member::close);
        reports.close();
    }

    private void start(long restorableBytes) throws IOException, SQLException {
        flush();
        Cycles.install(jdbcUrl);
        for (int i = 0; i < 2; i++) {
            members.add(
                    Member.open(redis.uri(), jdbcUrl, Cycles.never(), back -> back.restorableBytes(restorableBytes)));
        }
    }

    private Member one() {
        return members.get(0);
    }

    private Member two() {
        return members.get(1);
    }

    private void lose(Loss loss, AppendLog kept) throws IOException {
        if (loss == Loss.POWER) {
            assertThat(redis.appendLog().bytes()).as("something to lose").isGreaterThan(kept.bytes());
            redis.killLosing(kept);
            redis.start();
        } else {
            flush();
        }
    }

    private static void flush() throws IOException {
        URI uri = URI.create(redis.uri());
        try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
            socket.getOutputStream().write("FLUSHALL\r\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(socket.getInputStream().read()).isEqualTo('+');
        }
    }

    private void pauseDrains() {
        members.forEach(member -> member.entries().pauseDrain());
    }

    private void resumeDrains() {
        members.forEach(member -> member.entries().resumeDrain());
    }

    private static void awaitMore(Writers writers, long acked) {
        long before = writers.acked();
        await().atMost(LIMIT).until(() -> writers.acked() >= before + acked);
    }

    private long sum(Function<Counters, LongAdder> counter) {
        return members.stream()
                .mapToLong(member -> counter.apply(member.entries().counters()).sum())
                .sum();
    }

    /** After the last call has returned: every instance has found the loss and put back what it can, and nothing is pending. */
    private WriteBackStatus atRest() {
        awaitRecovered();
        await().atMost(LIMIT).until(() -> one().entries().drain(LIMIT) == 0);
        WriteBackStatus status = one().entries().writeBackStatus();
        assertThat(status.isConserved()).as("%s", status).isTrue();
        assertThat(status.dead() + status.pending()).as("%s", status).isZero();
        return status;
    }

    private void awaitRecovered() {
        for (Member member : members) {
            Counters counters = member.entries().counters();
            awaitTwoMore(counters.pulls);
            awaitTwoMore(counters.recoveryRounds);
        }
    }

    /** The second one began after this call. */
    private static void awaitTwoMore(LongAdder counter) {
        long before = counter.sum();
        await().atMost(LIMIT).until(() -> counter.sum() >= before + 2);
    }

    /** Reads of these keys that do not show the row, or show one that is not there, when the staleness that they allow is over. */
    private void assertReadsShowTheRows(Set<Long> keys, Map<String, LastWrites.Present> rows) {
        Map<String, Long> primary = new HashMap<>();
        rows.forEach((key, row) -> primary.put(key, row.number()));
        await().atMost(Member.MAX_STALENESS.plusSeconds(5)).untilAsserted(() -> {
            Map<String, Map<String, Long>> copies = new HashMap<>();
            for (Member member : members) {
                Map<Long, Entry> found = member.entries().findAll(keys);
                copies.put(
                        "instance " + members.indexOf(member),
                        keys.stream()
                                .collect(Collectors.toMap(
                                        String::valueOf,
                                        key -> found.containsKey(key)
                                                ? found.get(key).number()
                                                : Operation.NOTHING)));
            }
            assertThat(Copies.convergence(primary, copies)).isEmpty();
        });
    }

    private static Set<Long> keysOf(List<Operation> operations) {
        return operations.stream()
                .map(operation -> Long.parseLong(operation.key()))
                .collect(Collectors.toSet());
    }

    private static List<Long> keys(long from, long to) {
        return LongStream.range(from, to).boxed().toList();
    }

    /** Writers of the same keys in two instances: everything is restored, whatever had been drained and whatever not. */
    @ParameterizedTest
    @EnumSource
    void acknowledgedWrites_afterALossUnderLoad_areRestoredByTheirWriters(Loss loss) throws Exception {
        start(64L << 20);
        for (int round = 1; round <= rounds; round++) {
            long restored = sum(counters -> counters.restoredWrites);
            try (Writers writers = new Writers()) {
                writers.begin(List.of(one(), one(), two(), two()), 0, KEYS, round * 100L, id -> "text of " + id);
                awaitMore(writers, 1_000);
                AppendLog kept = redis.appendLog();
                pauseDrains();
                awaitMore(writers, 3_000);
                if (round % 2 == 0) {
                    // In the middle of draining.
                    resumeDrains();
                    awaitMore(writers, 200);
                }
                lose(loss, kept);
                awaitMore(writers, 1_000);
                resumeDrains();
                List<Operation> operations = writers.stop();
                WriteBackStatus status = atRest();
                Map<String, LastWrites.Present> rows = Audit.rows(jdbcUrl);
                List<Violation> violations = lastWrites.check(operations, rows, Map.of());
                long put = sum(counters -> counters.restoredWrites) - restored;
                System.out.printf(
                        "lost memory: %s, round %d, %d acknowledged, %d restored, %s, %d violations%n",
                        loss, round, writers.acked(), put, status, violations.size());
                assertThat(violations).isEmpty();
                assertThat(put).as("really lost").isPositive();
                assertThat(status.lost()).isZero();
                assertThat(sum(counters -> counters.lostWrites)).isZero();
                assertThat(reports.byHash()).isEmpty();
                assertReadsShowTheRows(keysOf(operations), rows);
            }
        }
        assertThat(Copies.versionOrderOverDeletes(Audit.rowChanges(jdbcUrl))).isEmpty();
    }

    /** An instance keeps no more payloads than its bound: of keys that one instance writes, it reports what it cannot put back, neither more nor less. */
    @ParameterizedTest
    @EnumSource
    void acknowledgedWrites_overTheBoundOfPayloads_areReportedAsLostExactly(Loss loss) throws Exception {
        start(200_000);
        String filler = "x".repeat(1_000);
        try (Writers writers = new Writers()) {
            // Rows that are there before: some are deleted later, some overwritten.
            writeAll(writers, one(), keys(0, 200), "first");
            await().atMost(LIMIT).until(() -> one().entries().drain(LIMIT) == 0);
            pauseDrains();
            writeAll(writers, one(), keys(0, 300), filler);
            AppendLog kept = redis.appendLog();
            writeAll(writers, one(), keys(300, 600), filler);
            writeAll(writers, two(), keys(10_000, 10_100), "small");
            assertThat(writers.write(one(), Kind.DELETE, keys(560, 580), id -> ""))
                    .isTrue();
            writeAll(writers, one(), keys(0, 50), filler);
            writers.begin(List.of(two()), OTHERS, 200, 1, id -> "text of " + id);
            awaitMore(writers, 200);
            lose(loss, kept);
            awaitMore(writers, 200);
            // While nothing is drained, so that what is still pending is told from what is lost.
            awaitRecovered();
            resumeDrains();
            List<Operation> operations = writers.stop();
            WriteBackStatus status = atRest();
            Map<String, LastWrites.Present> rows = Audit.rows(jdbcUrl);
            Map<String, Set<Long>> missing = missing(operations, rows, Audit.tombstones(jdbcUrl));
            System.out.printf(
                    "lost memory over the bound: %s, %d acknowledged, %d restored, %d measured lost, %s%n",
                    loss, writers.acked(), sum(counters -> counters.restoredWrites), missing.size(), status);
            // Of 600 values fewer than 200 are kept, and of the others some are still pending in what is kept of the
            // server's file.
            assertThat(missing).hasSizeBetween(loss == Loss.POWER ? 280 : 380, loss == Loss.POWER ? 300 : 400);
            assertThat(reports.byHash())
                    .isEqualTo(missing.keySet().stream().collect(Collectors.toMap(LossReports::hash, key -> 1L)));
            assertThat(sum(counters -> counters.lostWrites)).isEqualTo(missing.size());
            assertThat(status.lost()).isEqualTo(missing.size());
            assertThat(lastWrites.check(operations, rows, missing)).isEmpty();
            assertReadsShowTheRows(keysOf(operations), rows);
        }
    }

    /** The same under load, on keys that both instances write: later writes make up for some losses, none is silent. */
    @ParameterizedTest
    @EnumSource
    void acknowledgedWrites_overTheBoundUnderLoad_areAllReported(Loss loss) throws Exception {
        start(100_000);
        String filler = "x".repeat(1_000);
        try (Writers writers = new Writers()) {
            writers.begin(List.of(one(), one(), two(), two()), 0, KEYS, 7, id -> id + filler);
            awaitMore(writers, 500);
            AppendLog kept = redis.appendLog();
            pauseDrains();
            awaitMore(writers, 2_500);
            lose(loss, kept);
            awaitMore(writers, 500);
            resumeDrains();
            List<Operation> operations = writers.stop();
            WriteBackStatus status = atRest();
            Map<String, LastWrites.Present> rows = Audit.rows(jdbcUrl);
            Map<String, Set<Long>> missing = missing(operations, rows, Audit.tombstones(jdbcUrl));
            Map<Long, Long> reported = reports.byHash();
            System.out.printf(
                    "lost memory over the bound under load: %s, %d acknowledged, %d restored, %d measured lost, %d reported, %s%n",
                    loss,
                    writers.acked(),
                    sum(counters -> counters.restoredWrites),
                    missing.size(),
                    sum(counters -> counters.lostWrites),
                    status);
            assertThat(missing).isNotEmpty();
            assertThat(missing.keySet()).allSatisfy(key -> assertThat(reported).containsKey(LossReports.hash(key)));
            assertThat(reported.values().stream().mapToLong(Long::longValue).sum())
                    .isEqualTo(sum(counters -> counters.lostWrites))
                    .isGreaterThanOrEqualTo(missing.size());
            assertThat(lastWrites.check(operations, rows, missing)).isEmpty();
            assertReadsShowTheRows(keysOf(operations), rows);
        }
    }

    /** Rows that were deleted before the loss, in every state that a delete and the write before it can be in. */
    @ParameterizedTest
    @EnumSource
    void rows_deletedBeforeTheLoss_neverComeBack(Loss loss) throws Exception {
        start(64L << 20);
        List<Long> drainedBack = keys(0, 100);
        List<Long> drainedThrough = keys(100, 200);
        List<Long> pendingThrough = keys(200, 300);
        List<Long> pendingBack = keys(300, 400);
        try (Writers writers = new Writers()) {
            writeAll(writers, one(), keys(0, 400), "there before");
            await().atMost(LIMIT).until(() -> one().entries().drain(LIMIT) == 0);
            pauseDrains();
            // Pending in what is kept of the server's file.
            writeAll(writers, one(), keys(0, 400), "written back");
            AppendLog kept = redis.appendLog();
            writers.begin(List.of(one(), two()), OTHERS, 200, 1, id -> "text of " + id);
            assertThat(writers.write(one(), Kind.DELETE, drainedBack, id -> "")).isTrue();
            resumeDrains();
            await().atMost(LIMIT)
                    .until(() -> Audit.rows(jdbcUrl).keySet().stream()
                            .noneMatch(key -> drainedBack.contains(Long.parseLong(key))));
            pauseDrains();
            two().entries().deleteAll(drainedThrough, Write.through());
            writeAll(writers, one(), pendingThrough, "written back again");
            two().entries().deleteAll(pendingThrough, Write.through());
            assertThat(writers.write(two(), Kind.DELETE, pendingBack, id -> "")).isTrue();
            awaitMore(writers, 200);
            lose(loss, kept);
            awaitMore(writers, 200);
            resumeDrains();
            List<Operation> operations = writers.stop();
            WriteBackStatus status = atRest();
            Map<String, LastWrites.Present> rows = Audit.rows(jdbcUrl);
            System.out.printf(
                    "lost memory with deletes: %s, %d acknowledged, %d restored, %s%n",
                    loss, writers.acked(), sum(counters -> counters.restoredWrites), status);
            assertThat(rows.keySet())
                    .as("came back")
                    .allSatisfy(key -> assertThat(Long.parseLong(key)).isGreaterThanOrEqualTo(OTHERS));
            assertThat(lastWrites.check(ofOthers(operations), rows, Map.of())).isEmpty();
            assertThat(sum(counters -> counters.lostWrites) + status.lost()).isZero();
            assertReadsShowTheRows(keysOf(operations), rows);
        }
    }

    private static List<Operation> ofOthers(List<Operation> operations) {
        return operations.stream()
                .filter(operation -> Long.parseLong(operation.key()) >= OTHERS)
                .toList();
    }

    private static void writeAll(Writers writers, Member member, List<Long> keys, String filler) {
        for (int from = 0; from < keys.size(); from += 50) {
            List<Long> batch = keys.subList(from, Math.min(keys.size(), from + 50));
            await().atMost(LIMIT).until(() -> writers.write(member, Kind.WRITE, batch, id -> id + filler));
        }
    }

    /**
     * The keys whose newest acknowledged write is not in their row, with it and those that it replaced. A delete of unknown outcome may have
     * taken the row after it: then its tombstone is newer.
     */
    private static Map<String, Set<Long>> missing(
            List<Operation> operations, Map<String, LastWrites.Present> rows, Map<String, Long> tombstones) {
        Map<String, List<Operation>> byKey = operations.stream()
                .filter(operation -> operation.outcome() == Outcome.OK)
                .collect(Collectors.groupingBy(Operation::key));
        Map<String, Set<Long>> missing = new HashMap<>();
        byKey.forEach((key, acknowledged) -> {
            Operation newest = Collections.max(acknowledged, Comparator.comparingLong(Operation::version));
            LastWrites.Present row = rows.get(key);
            boolean isThere = newest.kind() == Kind.DELETE
                    ? row == null || row.version() > newest.version()
                    : row != null && row.version() >= newest.version();
            boolean isReplaced = row == null && tombstones.getOrDefault(key, 0L) > newest.version();
            if (!isThere && !isReplaced) {
                missing.put(
                        key,
                        acknowledged.stream()
                                .map(Operation::version)
                                .filter(version -> row == null || version > row.version())
                                .collect(Collectors.toSet()));
            }
        });
        return missing;
    }
}
