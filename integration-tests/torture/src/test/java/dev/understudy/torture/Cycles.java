package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.checkers.Copies;
import dev.understudy.checkers.LastWrites;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.checkers.Violation;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Cycles of workers that write back under load until they end inside a step of the drain, beside one that is stopped and killed from
 * outside; after each cycle all that was acknowledged in it is looked for. Redis forces its append-only file to disk before each reply.
 * Not thread-safe.
 */
final class Cycles implements AutoCloseable {
    private static final long ACKED_BEFORE = 800;
    /** Bytes of a journal: about a hundred batches. */
    private static final long GROWN = 600_000;

    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final Path folder;
    private final long seed;
    private final RedisServer redis;
    private final PostgresServer postgres;
    private final String jdbcUrl;
    private final Member observer;
    private final LastWrites lastWrites = new LastWrites();
    private final Map<CrashPoint, Integer> deaths = new EnumMap<>(CrashPoint.class);
    private final Set<Long> keys = new HashSet<>();
    private final List<Violation> violations = new ArrayList<>();
    private int workers;
    private int killedFromOutside;
    private int cycles;
    private long acked;
    private long unknown;

    Cycles(Path folder, long seed) throws SQLException {
        this.folder = folder;
        this.seed = seed;
        this.redis = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.ALWAYS)
                .start();
        this.postgres = PostgresServer.builder().start();
        this.jdbcUrl = postgres.createDatabase("torture");
        install(jdbcUrl);
        this.observer = Member.open(redis.uri(), jdbcUrl, never());
    }

    /** What was found so far. */
    record Figures(
            int cycles,
            long acked,
            long unknown,
            long changes,
            Map<CrashPoint, Integer> deaths,
            int killedFromOutside,
            WriteBackStatus status) {}

    /** One worker for each of the points, and one that is stopped, goes on and is killed; then the checks, with nothing pending. */
    void run(List<CrashPoint> points, Seeded seeded) throws SQLException, IOException {
        observer.entries().pauseDrain();
        List<Path> journals = work(points, seeded);
        observer.entries().resumeDrain();
        // On a busy machine the observer may lose its connection, too.
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(UnderstudyException.class)
                .until(() -> observer.entries().drain(LIMIT) == 0);
        cycles++;
        List<Operation> operations = new ArrayList<>();
        for (Path path : journals) {
            Journal.Contents contents = Journal.read(path);
            operations.addAll(contents.operations());
            contents.deaths().stream().limit(1).forEach(point -> deaths.merge(point, 1, Integer::sum));
        }
        operations.forEach(operation -> keys.add(Long.parseLong(operation.key())));
        acked += count(operations, Outcome.OK);
        unknown += count(operations, Outcome.UNKNOWN);
        violations.addAll(lastWrites.check(operations, Audit.rows(jdbcUrl), Map.of()));
        WriteBackStatus status = observer.entries().writeBackStatus();
        assertThat(status.isConserved()).as("cycle %d: %s", cycles, status).isTrue();
        assertThat(status.pending() + status.lost() + status.dead())
                .as("cycle %d: %s", cycles, status)
                .isZero();
        assertThat(status.acked()).as("cycle %d", cycles).isBetween(acked, acked + unknown);
        System.out.printf("%d violations, %s%n", violations.size(), figures());
    }

    /** All violations so far, those of the whole history included. */
    List<Violation> violations() throws SQLException {
        List<Violation> all = new ArrayList<>(violations);
        all.addAll(Copies.versionOrderOverDeletes(Audit.rowChanges(jdbcUrl)));
        all.addAll(Copies.fencing(Audit.shardChanges(jdbcUrl, Entry.TABLE)));
        all.addAll(convergence());
        return all;
    }

    Figures figures() throws SQLException {
        return new Figures(
                cycles,
                acked,
                unknown,
                Audit.rowChanges(jdbcUrl).size(),
                deaths,
                killedFromOutside,
                observer.entries().writeBackStatus());
    }

    /** A process that lives. */
    static Crash never() {
        return new Crash(CrashPoint.NEVER, () -> false, new Journal(Path.of("/dev/null")));
    }

    /** Creates the table, what the library needs, and the trigger that writes the history. */
    static void install(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute(Entry.DDL);
            statement.execute(Entry.table().migrationSql());
            Audit.install(connection, List.of(Entry.TABLE));
        }
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl);
        try (PostgresPrimary primary = PostgresPrimary.on(dataSource).build()) {
            primary.install();
        }
    }

    private List<Path> work(List<CrashPoint> points, Seeded seeded) throws IOException {
        List<Path> journals = new ArrayList<>();
        List<ChildJvm> ending = new ArrayList<>();
        try (ChildJvm stranger = start(CrashPoint.NEVER, 0, seeded, journals)) {
            stranger.await(Worker.READY, LIMIT);
            await().atMost(LIMIT).until(() -> Files.size(journals.get(0)) > GROWN);
            stranger.pause();
            try {
                for (int i = 0; i < points.size(); i++) {
                    long before = points.get(i) == CrashPoint.DRAIN_CLAIMED ? 1 : ACKED_BEFORE * (1 + i);
                    ending.add(start(points.get(i), before, seeded, journals));
                }
                ending.forEach(worker -> worker.awaitExit(LIMIT));
            } finally {
                ending.forEach(ChildJvm::close);
                stranger.resume();
            }
            // It was stopped with shards of its own, and goes on after others had them.
            long size = Files.size(journals.get(0));
            await().atMost(LIMIT).until(() -> Files.size(journals.get(0)) > size + GROWN);
            stranger.kill();
            killedFromOutside++;
        }
        return journals;
    }

    private ChildJvm start(CrashPoint point, long ackedBefore, Seeded seeded, List<Path> journals) {
        int number = ++workers;
        Path journal = folder.resolve("worker" + number);
        journals.add(journal);
        return ChildJvm.builder(Worker.class)
                .options("-Xmx256m")
                .property(Member.REDIS, redis.uri())
                .property(Member.JDBC, jdbcUrl)
                .property(Seeded.PROPERTY, seeded.name())
                .property("torture.journal", journal.toString())
                .arguments("" + number, point.name(), "" + ackedBefore, "" + (seed * 1_000_003 + number))
                .start();
    }

    private static long count(List<Operation> operations, Outcome outcome) {
        return operations.stream()
                .filter(operation -> operation.outcome() == outcome)
                .count();
    }

    private List<Violation> convergence() throws SQLException {
        Map<String, Long> primary = Audit.rows(jdbcUrl).entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, row -> row.getValue().number()));
        Map<String, Map<String, Long>> copies = new HashMap<>();
        copies.put("the observer", numbers(observer));
        try (Member fresh = Member.open(redis.uri(), jdbcUrl, never())) {
            copies.put("the shared replica", numbers(fresh));
            copies.put("the near replica", numbers(fresh));
        }
        return Copies.convergence(primary, copies);
    }

    private Map<String, Long> numbers(Member member) {
        Map<Long, Entry> found = member.entries().findAll(keys);
        Map<String, Long> numbers = new HashMap<>();
        for (long key : keys) {
            Entry entry = found.get(key);
            numbers.put("" + key, entry == null ? Operation.NOTHING : entry.number());
        }
        return numbers;
    }

    @Override
    public void close() {
        observer.close();
        postgres.close();
        redis.close();
    }
}
