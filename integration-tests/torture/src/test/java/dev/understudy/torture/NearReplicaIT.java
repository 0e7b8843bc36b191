package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Violation;
import dev.understudy.model.Read;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three processes read from near replicas while what is announced to them is lost, late, doubled and cut off: what they serve is as new as they
 * say. {@code -Dtorture.reads} reads at least, {@code -Dtorture.seed}.
 */
class NearReplicaIT {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int SHOWN = 5;
    private static final List<FaultKind> KINDS = List.of(
            FaultKind.NETWORK_DOWN,
            FaultKind.MESSAGES_LOST,
            FaultKind.NETWORK_BLACKHOLE,
            FaultKind.MESSAGES_LATE,
            FaultKind.NETWORK_HALF_OPEN,
            FaultKind.MESSAGES_TWICE,
            FaultKind.NETWORK_RESET,
            FaultKind.SUBSCRIPTION_CUT,
            FaultKind.NETWORK_SLOW);

    private final SplittableRandom random = new SplittableRandom(Long.getLong("torture.seed", 1));
    private RedisServer redis;
    private PostgresServer postgres;
    private String jdbcUrl;
    private Instance observer;
    private Actors actors;
    private long round;
    private long reads;

    @TempDir
    private Path folder;

    @BeforeEach
    void start() throws SQLException {
        redis = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.ALWAYS)
                .start();
        postgres = PostgresServer.builder().start();
        jdbcUrl = postgres.createDatabase("near");
        Torture.install(jdbcUrl);
        observer = Instance.open(Instance.NAMESPACE, redis.uri(), jdbcUrl, 4, Cycles.never());
        actors = new Actors(redis, postgres, jdbcUrl, folder, random, Seeded.NONE);
    }

    @AfterEach
    void stop() {
        actors.close();
        observer.close();
        postgres.close();
        redis.close();
    }

    @Test
    void announcements_lostLateTwiceAndCut_nothingIsOlderThanSaid() throws IOException {
        while (reads < Long.getLong("torture.reads", 10_000)) {
            begin();
            FaultKind.Setting setting = new FaultKind.Setting(
                    actors,
                    redis,
                    postgres,
                    jdbcUrl,
                    random.split(),
                    CrashTurn.ofProperty(),
                    round,
                    new StringBuilder());
            for (FaultKind kind : KINDS) {
                FaultKind.pause(setting.between(50, 300));
                kind.happen(setting);
            }
            end();
        }
        System.out.println("near: " + reads + " reads in " + round + " rounds, " + sum(TcpProxy::lost)
                + " announcements lost, " + sum(TcpProxy::late) + " late, " + sum(TcpProxy::twice) + " twice, "
                + nearHits() + " near hits");
        assertThat(sum(TcpProxy::lost)).isPositive();
        assertThat(sum(TcpProxy::late)).isPositive();
        assertThat(sum(TcpProxy::twice)).isPositive();
        assertThat(nearHits()).isPositive();
    }

    @Test
    void announcements_allLost_nothingIsOlderThanSaid() throws IOException {
        actors.places().forEach(place -> place.redis.messages(frame -> List.of()));
        begin();
        FaultKind.pause(Instance.MAX_STALENESS.multipliedBy(2));
        end();

        assertThat(sum(TcpProxy::lost)).isPositive();
        assertThat(nearHits()).isPositive();
    }

    private void begin() {
        new Sessions(folder, round).create();
        actors.tell(Actor.READS + round);
    }

    /** Heals all, and checks the round. */
    private void end() throws IOException {
        actors.stop();
        actors.places().forEach(Actors.Place::heal);
        List<Operation> calls = new ArrayList<>();
        for (Path journal : actors.journals()) {
            calls.addAll(Journal.read(Actor.journalOf(journal, round)).operations());
        }
        List<Violation> violations = new Verdict(calls, Map.of(), Map.of()).whileRemembered();
        Files.write(
                Path.of("target", "near-" + round + ".txt"),
                violations.stream().map(Violation::toString).toList());
        assertThat(violations.stream().limit(SHOWN)).as("round %s", round).isEmpty();
        assertThat(unequal()).as("near copies after two pulls, round %s", round).isEmpty();
        reads += calls.stream().filter(call -> call.kind() == Kind.READ).count();
        round++;
    }

    /** What near replicas hold two pulls after all was healed that the shared one did not hold before, nor holds now. */
    private List<String> unequal() {
        Map<String, Long> before = shared();
        List<Long> pulls = actors.nears().stream().map(Actors.Near::pulls).toList();
        await().atMost(LIMIT).until(() -> {
            List<Actors.Near> now = actors.nears();
            return LongStream.range(0, now.size())
                    .allMatch(i -> now.get((int) i).pulls() >= pulls.get((int) i) + 2);
        });
        List<List<String>> copies = actors.copies(Actor.COMPARE_NEAR);
        Map<String, Long> after = shared();
        List<String> unequal = new ArrayList<>();
        for (int i = 0; i < copies.size(); i++) {
            for (String line : copies.get(i)) {
                String[] words = line.split(" ", -1);
                String key = Rows.valueOf(words[0]).key(Long.parseLong(words[1]));
                Long held = Long.valueOf(words[2]);
                if (!held.equals(before.get(key)) && !held.equals(after.get(key))) {
                    unequal.add("process " + i + ": " + key + " is " + held + ", at first " + before.get(key)
                            + ", at last " + after.get(key));
                }
            }
        }
        return unequal;
    }

    /** What the shared replica answers. */
    private Map<String, Long> shared() {
        List<Long> ids = LongStream.range(0, Caller.KEYS)
                .mapToObj(i -> Caller.firstOf(round) + i)
                .toList();
        Map<String, Long> held = new HashMap<>();
        for (Rows rows : Rows.values()) {
            observer.on(rows)
                    .readAll(ids, Read.bounded(Duration.ZERO))
                    .forEach((id, found) -> held.put(
                            rows.key(id), found.value().map(Entry::number).orElse(Operation.NOTHING)));
        }
        return held;
    }

    private long nearHits() {
        return actors.nears().stream().mapToLong(Actors.Near::hits).sum();
    }

    private long sum(ToLongFunction<TcpProxy> count) {
        return actors.places().stream()
                .mapToLong(place -> count.applyAsLong(place.redis))
                .sum();
    }
}
