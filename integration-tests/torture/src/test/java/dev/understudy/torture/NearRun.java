package dev.understudy.torture;

import static org.awaitility.Awaitility.await;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Violation;
import dev.understudy.model.Read;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.function.ToLongFunction;
import java.util.stream.LongStream;

/**
 * Three processes that read from near replicas while what is announced to them is lost, late, doubled and cut off, in rounds that end with
 * everything healed. Not thread-safe.
 */
final class NearRun implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final List<FaultKind> KINDS = List.of(
            FaultKind.NETWORK_DOWN,
            FaultKind.MESSAGES_LOST,
            FaultKind.NETWORK_BLACKHOLE,
            FaultKind.MESSAGES_LATE,
            FaultKind.NETWORK_HALF_OPEN,
            FaultKind.MESSAGES_BEHIND,
            FaultKind.MESSAGES_TWICE,
            FaultKind.ANSWERS_LATE,
            FaultKind.NETWORK_RESET,
            FaultKind.SUBSCRIPTION_CUT,
            FaultKind.NETWORK_SLOW);

    private final SplittableRandom random;
    private final Path folder;
    private final RedisServer redis;
    private final PostgresServer postgres;
    private final String jdbcUrl;
    private final Instance observer;
    private final Actors actors;
    private long round;
    private long reads;

    /** @param classPath of the processes */
    NearRun(Path folder, long seed, String classPath) throws SQLException {
        this.folder = folder;
        this.random = new SplittableRandom(seed);
        redis = RedisServer.builder()
                .appendFsync(RedisServer.AppendFsync.ALWAYS)
                .start();
        postgres = PostgresServer.builder().start();
        jdbcUrl = postgres.createDatabase("near");
        Torture.install(jdbcUrl);
        observer = Instance.open(Instance.NAMESPACE, redis.uri(), jdbcUrl, 4, Cycles.never());
        actors = new Actors(redis, postgres, jdbcUrl, folder, random, Seeded.NONE, classPath);
    }

    /** What was found wrong in a round: by the checks of the history, and in the copies afterwards. */
    record Wrong(List<Violation> violations, List<String> unequalCopies) {
        boolean isNothing() {
            return violations.isEmpty() && unequalCopies.isEmpty();
        }
    }

    long rounds() {
        return round;
    }

    long reads() {
        return reads;
    }

    /** A round in which each fault happens once. */
    Wrong roundOfFaults() throws IOException {
        begin();
        FaultKind.Setting setting = new FaultKind.Setting(
                actors, redis, postgres, jdbcUrl, random.split(), CrashTurn.ofProperty(), round, new StringBuilder());
        List<FaultKind> kinds = new ArrayList<>(KINDS);
        Collections.shuffle(kinds, new Random(random.nextLong()));
        for (FaultKind kind : kinds) {
            FaultKind.pause(setting.between(50, 300));
            kind.happen(setting);
        }
        return end();
    }

    /** A round in which every message is lost. */
    Wrong roundWithoutMessages(Duration time) throws IOException {
        actors.places().forEach(place -> place.redis.messages(frame -> List.of()));
        begin();
        FaultKind.pause(time);
        return end();
    }

    private void begin() {
        new Sessions(folder, round).create();
        actors.begin(round, Caller.Mix.READS);
    }

    /** Heals all, and checks the round. */
    private Wrong end() throws IOException {
        actors.stop();
        actors.places().forEach(Actors.Place::heal);
        List<Operation> calls = new ArrayList<>();
        for (Path journal : actors.journals()) {
            calls.addAll(Journal.read(Actor.journalOf(journal, round)).operations());
        }
        List<Violation> violations = new Verdict(calls, Map.of()).whileRemembered();
        Wrong wrong = new Wrong(violations, unequal());
        reads += calls.stream().filter(call -> call.kind() == Kind.READ).count();
        round++;
        return wrong;
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

    long nearHits() {
        return actors.nears().stream().mapToLong(Actors.Near::hits).sum();
    }

    /** A count of the proxies, over all of them. */
    long sum(ToLongFunction<TcpProxy> count) {
        return actors.places().stream()
                .mapToLong(place -> count.applyAsLong(place.redis))
                .sum();
    }

    @Override
    public void close() {
        actors.close();
        observer.close();
        postgres.close();
        redis.close();
    }
}
