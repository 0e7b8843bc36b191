package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.checkers.Copies;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.checkers.Violation;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Cycles of workers that write back under load and end inside steps of the drain: {@code -Dtorture.cycles}, 3 unless told,
 * {@code -Dtorture.seed}. Redis forces its append-only file to disk before each reply.
 */
class KillCyclesIT {
    private static final int WORKERS = 3;
    private static final long ACKED_BEFORE = 800;
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int LONG_RUN = 50;

    private final int cycles = Integer.getInteger("torture.cycles", 3);
    private final long seed = Long.getLong("torture.seed", 1);
    private final List<Path> journals = new ArrayList<>();

    @TempDir
    private Path folder;

    @Test
    void writeBacks_ofWorkersKilledInsideTheDrain_areNeverLostNorReordered() throws SQLException {
        try (RedisServer redis = RedisServer.builder()
                        .appendFsync(RedisServer.AppendFsync.ALWAYS)
                        .start();
                PostgresServer postgres = PostgresServer.builder().start()) {
            String jdbcUrl = postgres.createDatabase("torture");
            install(jdbcUrl);
            try (Member observer = Member.open(redis.uri(), jdbcUrl, never())) {
                long start = System.nanoTime();
                for (int cycle = 0; cycle < cycles; cycle++) {
                    observer.entries().pauseDrain();
                    cycle(cycle, redis.uri(), jdbcUrl);
                    observer.entries().resumeDrain();
                    assertThat(observer.entries().drain(LIMIT)).isZero();
                    assertThat(observer.entries().writeBackStatus().isConserved())
                            .as("conserved after cycle %d of seed %d", cycle, seed)
                            .isTrue();
                }
                check(observer, redis.uri(), jdbcUrl, (System.nanoTime() - start) / 1_000_000_000);
            }
        }
    }

    private static Crash never() {
        return new Crash(CrashPoint.NEVER, () -> false, new Journal(Path.of("/dev/null")));
    }

    private static void install(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute(Entry.DDL);
            statement.execute(Entry.table().migrationSql());
            Audit.install(connection);
        }
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl);
        try (PostgresPrimary primary = PostgresPrimary.on(dataSource).build()) {
            primary.install();
        }
    }

    private void cycle(int cycle, String redisUri, String jdbcUrl) {
        List<CrashPoint> points = CrashPoint.ofTheDrain();
        List<ChildJvm> workers = new ArrayList<>();
        try {
            for (int i = 0; i < WORKERS; i++) {
                int number = 1 + cycle * WORKERS + i;
                CrashPoint point = points.get(number % points.size());
                Path journal = folder.resolve("worker" + number);
                journals.add(journal);
                workers.add(ChildJvm.builder(Worker.class)
                        .options("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Xshare:auto")
                        .property(Member.REDIS, redisUri)
                        .property(Member.JDBC, jdbcUrl)
                        .property("torture.journal", journal.toString())
                        .arguments(
                                "" + number,
                                point.name(),
                                "" + (point == CrashPoint.DRAIN_CLAIMED ? 1 : ACKED_BEFORE * (1 + i)),
                                "" + (seed * 1_000_003 + number))
                        .start());
            }
            workers.forEach(worker -> worker.awaitExit(LIMIT));
        } finally {
            workers.forEach(ChildJvm::close);
        }
    }

    private void check(Member observer, String redisUri, String jdbcUrl, long seconds) throws SQLException {
        List<Operation> operations = new ArrayList<>();
        Map<CrashPoint, Integer> deaths = new EnumMap<>(CrashPoint.class);
        for (Path path : journals) {
            Journal.Contents contents = Journal.read(path);
            operations.addAll(contents.operations());
            contents.deaths().stream().limit(1).forEach(point -> deaths.merge(point, 1, Integer::sum));
        }
        long acked = count(operations, Outcome.OK);
        long unknown = count(operations, Outcome.UNKNOWN);
        WriteBackStatus status = observer.entries().writeBackStatus();
        Map<String, Audit.Present> rows = Audit.rows(jdbcUrl);
        List<Audit.Change> changes = Audit.changes(jdbcUrl);
        List<Violation> violations = new ArrayList<>(Audit.order(changes));
        violations.addAll(LastWrites.check(operations, rows, Map.of()));
        violations.addAll(convergence(observer, redisUri, jdbcUrl, operations, rows));
        System.out.printf(
                "kill cycles: %d cycles, %d acknowledged, %d unknown, %d changes of rows, deaths %s, %s, %d violations,"
                        + " %d s, seed %d%n",
                cycles, acked, unknown, changes.size(), deaths, status, violations.size(), seconds, seed);
        assertThat(violations).isEmpty();
        assertThat(status.isConserved()).isTrue();
        assertThat(status.pending() + status.lost() + status.dead()).isZero();
        assertThat(status.acked()).isBetween(acked, acked + unknown);
        assertThat(deaths.values().stream().mapToInt(Integer::intValue).sum()).isEqualTo(cycles * WORKERS);
        if (cycles >= LONG_RUN) {
            assertThat(acked).isGreaterThanOrEqualTo(200_000);
            CrashPoint.ofTheDrain()
                    .forEach(point -> assertThat(deaths.getOrDefault(point, 0))
                            .as("deaths at %s", point)
                            .isGreaterThanOrEqualTo(20));
        }
    }

    private static long count(List<Operation> operations, Outcome outcome) {
        return operations.stream()
                .filter(operation -> operation.outcome() == outcome)
                .count();
    }

    private static List<Violation> convergence(
            Member observer,
            String redisUri,
            String jdbcUrl,
            List<Operation> operations,
            Map<String, Audit.Present> rows) {
        List<Long> keys = operations.stream()
                .map(operation -> Long.parseLong(operation.key()))
                .distinct()
                .toList();
        Map<String, Long> primary = rows.entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, row -> row.getValue().number()));
        Map<String, Map<String, Long>> copies = new HashMap<>();
        copies.put("the observer", numbers(observer, keys));
        try (Member fresh = Member.open(redisUri, jdbcUrl, never())) {
            copies.put("the shared replica", numbers(fresh, keys));
            copies.put("the near replica", numbers(fresh, keys));
        }
        return Copies.convergence(primary, copies);
    }

    private static Map<String, Long> numbers(Member member, List<Long> keys) {
        Map<Long, Entry> found = member.entries().findAll(keys);
        Map<String, Long> numbers = new HashMap<>();
        for (long key : keys) {
            Entry entry = found.get(key);
            numbers.put("" + key, entry == null ? Operation.NOTHING : entry.number());
        }
        return numbers;
    }
}
