package dev.understudy.torture;

import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.checkers.Copies;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.checkers.Violation;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioned;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Rounds of load from several processes while a seed lets things go wrong; at the end of each all is healed, everything is drained and
 * the whole history of the round is checked. A round has rows of its own. In each third round Redis loses its memory, and the processes live:
 * then only what must hold nevertheless is checked. Not thread-safe.
 */
final class Torture implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int OBSERVER = 1_000_000;
    private static final int EACH_LOSING = 3;
    private static final int EACH_ENDING = 2;
    private static final int SHOWN = 20;

    private final Path folder;
    private final long seed;
    private final List<FaultKind> kinds;
    private final Caller.Mix mix;
    private final SplittableRandom random;
    private final RedisServer redis;
    /** Only for writes that ask for one to have them. */
    private final RedisServer replica;

    private final PostgresServer postgres;
    private final String jdbcUrl;
    private final Instance observer;
    private final Actors actors;
    private final Map<FaultKind, Integer> faults = new EnumMap<>(FaultKind.class);
    private final List<Violation> violations = new ArrayList<>();
    private final CrashTurn points;
    private final Deck<FaultKind> sparing;
    private final Deck<FaultKind> losing;
    private final StringBuilder notes = new StringBuilder();
    private long round;
    private long operations;
    private long writes;
    private long strongReads;
    private long unknown;
    private long trailing;

    Torture(Path folder, long seed, List<FaultKind> kinds, Seeded bug) throws SQLException {
        this(folder, seed, kinds, bug, CrashTurn.ofProperty(), Caller.Mix.ALL);
    }

    /** Such calls under those faults, with a bug, with crashes at those points in turn. */
    Torture(Path folder, long seed, List<FaultKind> kinds, Seeded bug, CrashTurn points, Caller.Mix mix)
            throws SQLException {
        this.folder = folder;
        this.seed = seed;
        this.kinds = kinds;
        this.mix = mix;
        this.points = points;
        this.random = new SplittableRandom(seed);
        this.sparing = new Deck<>(FaultKind.of(false, kinds), random.split());
        this.losing = new Deck<>(FaultKind.of(true, kinds), random.split());
        this.redis = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.ALWAYS)
                .arguments("--auto-aof-rewrite-percentage", "0", "--repl-diskless-sync-delay", "0")
                .start();
        this.replica = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.NO)
                .replicaOf(redis.host(), redis.port())
                .start();
        this.postgres = PostgresServer.builder().start();
        this.jdbcUrl = postgres.createDatabase("torture");
        install(jdbcUrl);
        this.observer = Instance.open(Instance.NAMESPACE, redis.uri(), jdbcUrl, 8, Cycles.never());
        this.actors = new Actors(redis, postgres, jdbcUrl, folder, random, bug, System.getProperty("java.class.path"));
    }

    /** Whether this round's faults let Redis lose its memory. */
    private boolean isLosing() {
        return kinds.stream().anyMatch(FaultKind::losesMemory) && round % EACH_LOSING == EACH_LOSING - 1;
    }

    /** A round of that many seconds. */
    void round(Duration length) throws SQLException {
        boolean isLosing = isLosing();
        Audit.clear(jdbcUrl);
        new Sessions(folder, round).create();
        written().forEach(CachedRepository::pauseDrain);
        actors.begin(round, mix);
        Map<Long, FaultKind> happened = fail(isLosing, System.nanoTime() + length.toNanos());
        actors.places().forEach(Actors.Place::heal);
        actors.stop();
        written().forEach(CachedRepository::resumeDrain);
        for (CachedRepository<Long, Entry> repository : written()) {
            await().atMost(LIMIT)
                    .ignoreExceptionsInstanceOf(UnderstudyException.class)
                    .until(() -> repository.drain(LIMIT) == 0);
        }
        // Two pulls and a bit: then no replica may serve anything that is not the row.
        FaultKind.pause(Instance.MAX_STALENESS);
        check(isLosing, happened);
        System.out.println("round " + round + ": " + line() + "; " + details());
        round++;
    }

    private List<CachedRepository<Long, Entry>> written() {
        return List.of(observer.on(Rows.VERSIONED), observer.on(Rows.TRIGGERED));
    }

    /** Lets things go wrong until then; answers what went wrong when. */
    private Map<Long, FaultKind> fail(boolean isLosing, long end) {
        Map<Long, FaultKind> happened = new HashMap<>();
        Deck<FaultKind> possible = isLosing ? losing : sparing;
        FaultKind.Setting setting =
                new FaultKind.Setting(actors, redis, postgres, jdbcUrl, random.split(), points, round, notes);
        FaultKind.pause(setting.between(200, 600));
        while (System.nanoTime() < end) {
            if (!possible.isEmpty()) {
                FaultKind kind = possible.draw();
                happened.put(System.nanoTime(), kind);
                kind.happen(setting);
            }
            FaultKind.pause(setting.between(50, 500));
        }
        if (!isLosing && kinds.contains(FaultKind.PROCESSES_CRASHED) && round % EACH_ENDING == 0) {
            happened.put(System.nanoTime(), FaultKind.PROCESSES_CRASHED);
            FaultKind.PROCESSES_CRASHED.happen(setting);
        }
        return happened;
    }

    private void check(boolean isLosing, Map<Long, FaultKind> happened) throws SQLException {
        List<Operation> calls = calls();
        happened.forEach((time, kind) -> {
            boolean inFlight = calls.stream().anyMatch(call -> call.invoked() <= time && call.responded() >= time);
            if (inFlight) {
                faults.merge(kind, 1, Integer::sum);
            }
        });
        operations += calls.size();
        writes += calls.stream().filter(call -> call.kind() != Kind.READ).count();
        strongReads += calls.stream()
                .filter(call -> call.kind() == Kind.READ && call.level() == Level.STRONG)
                .count();
        unknown += calls.stream()
                .filter(call -> call.kind() != Kind.READ && call.outcome() == Outcome.UNKNOWN)
                .count();
        // None is asked for: they are bounded reads that claimed no bound, as the shared replica could not be asked.
        trailing += calls.stream()
                .filter(call -> call.kind() == Kind.READ && call.level() == Level.EVENTUAL)
                .count();
        calls.addAll(lastReads());
        Map<String, Long> rows = rows();
        Verdict verdict = new Verdict(calls, rows);
        List<Violation> found = new ArrayList<>(verdict.always());
        if (!isLosing) {
            found.addAll(verdict.whileRemembered());
        }
        counted(found);
        found.addAll(audited());
        if (found.isEmpty()) {
            found.addAll(Copies.convergence(rows, settledCopies(rows)));
        }
        report(found, calls);
        violations.addAll(found);
    }

    /** What the primary has committed in the round, in its order. */
    private List<Violation> audited() throws SQLException {
        List<Violation> found = new ArrayList<>(Copies.versionOrder(Audit.rowChanges(jdbcUrl)));
        for (Rows rows : Rows.values()) {
            found.addAll(Copies.fencing(Audit.shardChanges(jdbcUrl, rows.table())));
        }
        return found;
    }

    /** What the counters of the shared replica say. */
    private void counted(List<Violation> found) {
        for (CachedRepository<Long, Entry> repository : written()) {
            WriteBackStatus status = await().atMost(LIMIT)
                    .ignoreExceptionsInstanceOf(UnderstudyException.class)
                    .until(repository::writeBackStatus, told -> true);
            if (!status.isConserved() || status.pending() != 0) {
                found.add(new Violation("conservation", "all", status.toString(), List.of()));
            }
            if (status.lost() != 0) {
                // Those who wrote live, so that everything is restored.
                found.add(new Violation("loss", "all", status.toString(), List.of()));
            }
            for (DeadLetter<Long, Entry> letter : repository.deadLetters(1_000)) {
                boolean isPoison = letter.value()
                        .map(Entry::text)
                        .filter(Rows.POISON::equals)
                        .isPresent();
                if (!isPoison) {
                    found.add(new Violation("dead letters", "all", "a good row is in the dead letters", List.of()));
                }
                repository.discard(letter);
            }
        }
    }

    private List<Operation> calls() {
        List<Operation> calls = new ArrayList<>();
        for (Path deaths : actors.journals()) {
            Path journal = Actor.journalOf(deaths, round);
            if (Files.exists(journal)) {
                calls.addAll(Journal.read(journal).operations());
            }
        }
        return calls;
    }

    /** Where processes have ended themselves. */
    Map<CrashPoint, Integer> deaths() {
        Map<CrashPoint, Integer> deaths = new EnumMap<>(CrashPoint.class);
        actors.journals()
                .forEach(journal -> Journal.read(journal).deaths().stream()
                        .limit(1)
                        .forEach(point -> deaths.merge(point, 1, Integer::sum)));
        return deaths;
    }

    private static List<Long> ids(long round) {
        return LongStream.range(0, Caller.KEYS)
                .mapToObj(i -> Caller.firstOf(round) + i)
                .toList();
    }

    private List<Operation> lastReads() {
        List<Operation> reads = new ArrayList<>();
        for (Rows rows : Rows.values()) {
            long before = System.nanoTime();
            Map<Long, Versioned<Entry>> found = await().atMost(LIMIT)
                    .ignoreExceptionsInstanceOf(UnderstudyException.class)
                    .until(() -> observer.on(rows).readAll(ids(round), Read.strong()), all -> true);
            long after = System.nanoTime();
            found.forEach((id, versioned) -> reads.add(new Operation(
                    OBSERVER,
                    "",
                    rows.key(id),
                    Kind.READ,
                    Level.STRONG,
                    0,
                    versioned.value().map(Entry::number).orElse(Operation.NOTHING),
                    Operation.ANY,
                    versioned.version().value(),
                    before,
                    after,
                    Outcome.OK)));
        }
        return reads;
    }

    private Map<String, Long> rows() throws SQLException {
        Map<String, Long> all = new HashMap<>();
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            for (Rows rows : Rows.values()) {
                try (ResultSet found = statement.executeQuery(
                        "SELECT id, number FROM " + rows.table() + " WHERE id >= " + Caller.firstOf(round))) {
                    while (found.next()) {
                        all.put(rows.key(found.getLong(1)), found.getLong(2));
                    }
                }
            }
        }
        return all;
    }

    /**
     * The copies; where a writer died after its commit, or does not know of it, nobody told the replicas, and they may differ until its marker
     * and the near entries of that time have ended.
     */
    private Map<String, Map<String, Long>> settledCopies(Map<String, Long> rows) {
        long end = System.nanoTime()
                + Instance.MARKER
                        .plus(Instance.NEAR_LIFE)
                        .plus(Instance.MAX_STALENESS)
                        .toNanos();
        Map<String, Map<String, Long>> copies = copies();
        while (!Copies.convergence(rows, copies).isEmpty() && System.nanoTime() < end) {
            FaultKind.pause(Duration.ofSeconds(1));
            copies = copies();
        }
        return copies;
    }

    private Map<String, Map<String, Long>> copies() {
        Map<String, Map<String, Long>> copies = new HashMap<>();
        List<List<String>> told = actors.copies();
        for (int i = 0; i < told.size(); i++) {
            Map<String, Long> copy = new HashMap<>();
            for (String line : told.get(i)) {
                String[] words = line.split(" ", -1);
                copy.put(Rows.valueOf(words[0]).key(Long.parseLong(words[1])), Long.parseLong(words[2]));
            }
            copies.put("process " + i, copy);
        }
        return copies;
    }

    private void report(List<Violation> found, List<Operation> calls) {
        if (found.isEmpty()) {
            return;
        }
        StringBuilder text = new StringBuilder();
        found.stream().limit(SHOWN).forEach(violation -> {
            text.append("round ").append(round).append(": ").append(violation).append('\n');
            calls.stream()
                    .filter(call -> call.key().equals(violation.key()))
                    .sorted((a, b) -> Long.compare(a.invoked(), b.invoked()))
                    .forEach(call -> text.append("        ").append(call).append('\n'));
        });
        try {
            Path file = Path.of("target", "torture-" + seed + "-" + round + ".txt");
            Files.writeString(file, text.toString());
            System.out.println(found.size() + " violations, see " + file.toAbsolutePath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The closing line. */
    String line() {
        return "torture: " + operations + " operations, "
                + faults.values().stream().mapToInt(Integer::intValue).sum() + " faults (kinds " + faults + "), "
                + violations.size() + " violations, seed " + seed;
    }

    /** What was done in particular. */
    String details() {
        return writes + " writes, " + strongReads + " strong reads, " + unknown + " writes of unknown outcome, "
                + trailing + " reads marked as trailing, deaths at " + deaths();
    }

    List<Violation> violations() {
        return violations;
    }

    Map<FaultKind, Integer> faults() {
        return faults;
    }

    long operations() {
        return operations;
    }

    long writes() {
        return writes;
    }

    long strongReads() {
        return strongReads;
    }

    /** Writes of unknown outcome. */
    long unknown() {
        return unknown;
    }

    static void install(String jdbcUrl) throws SQLException {
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            for (Rows rows : Rows.values()) {
                statement.execute(rows.ddl());
                if (rows.allowsWriteBack()) {
                    statement.execute(rows.mapping().migrationSql());
                }
            }
            Audit.install(
                    connection,
                    Stream.of(Rows.values())
                            .filter(Rows::allowsWriteBack)
                            .map(Rows::table)
                            .toList());
        }
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl);
        try (PostgresPrimary primary = PostgresPrimary.on(dataSource).build()) {
            primary.install();
        }
    }

    @Override
    public void close() {
        actors.close();
        observer.close();
        postgres.close();
        replica.close();
        redis.close();
    }
}
