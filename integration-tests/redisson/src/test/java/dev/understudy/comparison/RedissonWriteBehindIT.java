package dev.understudy.comparison;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.checkers.LastWrites;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.checkers.Provenance;
import dev.understudy.checkers.Violation;
import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.torture.Audit;
import dev.understudy.torture.Journal;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Write-behind of Redisson in the harness of {@code KillCyclesIT}: its journal, its audit, its check of last writes, and a process that is killed
 * inside a transaction of its writer before another takes over the queue. That the harness sees losses there, and none without the kill, is what shows that it can.
 */
class RedissonWriteBehindIT {
    private static final long ENOUGH = 2_000;
    private static final Duration LIMIT = Duration.ofMinutes(1);

    private static PostgresServer postgres;

    @TempDir
    private Path folder;

    private RedisServer redis;
    private String jdbcUrl;

    @BeforeAll
    static void startPostgres() {
        postgres = PostgresServer.builder().start();
    }

    @AfterAll
    static void stopPostgres() {
        postgres.close();
    }

    @AfterEach
    void stopRedis() {
        redis.close();
    }

    @BeforeEach
    void start() throws SQLException {
        redis = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.ALWAYS)
                .start();
        jdbcUrl = postgres.createDatabase("comparison");
        try (Connection connection = DriverManager.getConnection(jdbcUrl);
                Statement statement = connection.createStatement()) {
            statement.execute(RowWriter.DDL);
            Audit.install(connection, List.of("entry"));
        }
    }

    /**
     * What was found.
     *
     * @param removed keys that were put and removed at once
     * @param lostPuts keys that were put once, and whose row is not there
     * @param violations all, by the name of the check; removes that came to the database before the put they followed are among them in any run
     */
    private record Figures(long acknowledged, long removed, long lostPuts, Map<String, Long> violations) {}

    @Test
    void writeBehind_ofAProcessKilledWhileItWrites_losesAcknowledgedWrites() throws IOException, SQLException {
        try (ChildJvm dying = worker(2, true)) {
            dying.await(Worker.WRITING, LIMIT);
            dying.kill();
        }
        try (ChildJvm living = worker(1, false)) {
            living.await(Worker.LOADED, LIMIT);
            // Only this process takes writes out of the queue now, in their order, and this one is the last.
            living.send("the last one");
            await().atMost(LIMIT).until(() -> Audit.rows(jdbcUrl).containsKey("" + Worker.last(1)));
        }
        Figures figures = figures();
        System.out.printf("redisson write-behind, a process killed: %s%n", figures);
        assertThat(figures.acknowledged()).isGreaterThanOrEqualTo(ENOUGH);
        assertThat(figures.lostPuts()).isPositive();
    }

    /** The same load, so that what is lost above is lost by the kill. */
    @Test
    void writeBehind_ofProcessesThatLive_losesNoPut() throws IOException, SQLException {
        Figures figures;
        try (ChildJvm one = worker(1, false);
                ChildJvm two = worker(2, false)) {
            one.await(Worker.LOADED, LIMIT);
            two.await(Worker.LOADED, LIMIT);
            one.send("the last one");
            two.send("the last one");
            await().atMost(LIMIT)
                    .until(() ->
                            Audit.rows(jdbcUrl).keySet().containsAll(Set.of("" + Worker.last(1), "" + Worker.last(2))));
            await().atMost(LIMIT).until(() -> figures().lostPuts() == 0);
            figures = figures();
        }
        System.out.printf("redisson write-behind, nobody killed: %s%n", figures);
        assertThat(figures.acknowledged()).isGreaterThanOrEqualTo(2 * ENOUGH);
        assertThat(figures.violations()).doesNotContainKeys(Provenance.LOST, Provenance.NOWHERE);
    }

    private ChildJvm worker(int number, boolean standsStill) {
        ChildJvm worker = ChildJvm.builder(Worker.class)
                .options("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-Xshare:auto")
                .property(Worker.REDIS, redis.uri())
                .property(Worker.JDBC, jdbcUrl)
                .property(Worker.JOURNAL, journal(number).toString())
                .arguments("" + number, "" + ENOUGH, "" + standsStill)
                .start();
        worker.await(Worker.READY, LIMIT);
        return worker;
    }

    private Path journal(int number) {
        return folder.resolve("worker" + number);
    }

    private Figures figures() throws SQLException {
        List<Operation> operations = new ArrayList<>();
        operations.addAll(Journal.read(journal(1)).operations());
        operations.addAll(Journal.read(journal(2)).operations());
        long acknowledged = operations.stream()
                .filter(operation -> operation.outcome() == Outcome.OK)
                .count();
        Set<String> removed = operations.stream()
                .filter(operation -> operation.kind() == Kind.DELETE)
                .map(Operation::key)
                .collect(Collectors.toSet());
        List<Violation> violations = new LastWrites().check(operations, Audit.rows(jdbcUrl), Map.of());
        return new Figures(
                acknowledged,
                removed.size(),
                violations.stream()
                        .filter(violation -> !removed.contains(violation.key()))
                        .count(),
                violations.stream()
                        .collect(Collectors.groupingBy(Violation::check, TreeMap::new, Collectors.counting())));
    }
}
