package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.servers.RedisServer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Redis is stopped (SIGSTOP): connections stay, and nobody answers. */
class RedisStoppedIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Duration LIMIT = Duration.ofMillis(1_500);
    /** What a call may take over its own time on a busy machine. */
    private static final Duration SLACK = Duration.ofMillis(1_500);

    private static final int WRITES = 12;

    @RegisterExtension
    final Instances instances = new Instances();

    private RedisServer redis;

    @BeforeEach
    void startRedis() {
        redis = instances.closing(RedisServer.builder().start());
        instances.redisUri(redis.uri());
    }

    private interface Call {
        void run();
    }

    /** What the call throws, within its time; nothing but the library's own exceptions. */
    private static Optional<UnderstudyException> inTime(String what, Call call) {
        long begin = System.nanoTime();
        Throwable thrown = catchThrowable(call::run);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).as(what).isLessThan(LIMIT.plus(SLACK));
        if (thrown != null) {
            assertThat(thrown).as(what).isInstanceOf(UnderstudyException.class);
        }
        return Optional.ofNullable((UnderstudyException) thrown);
    }

    @Test
    void everyCall_whileRedisIsStopped_endsInItsTimeAndTellsTheTruth() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items =
                instances.items(instances.open(), COLUMN, settings -> settings.timeout(LIMIT));
        items.save(Item.of(1, 1));
        for (long id = 101; id <= 100 + WRITES; id++) {
            items.save(Item.of(id, 1));
        }
        items.pauseDrain();
        items.save(Item.of(2, 1), Write.back());
        redis.pause();

        Map<Long, Outcome> outcomes = new LinkedHashMap<>();
        long id = 100;
        for (Write mode : List.of(Write.back(), Write.through())) {
            long saved = ++id;
            long deleted = ++id;
            long updated = ++id;
            long inserted = 100 + saved;
            long conditional = ++id;
            outcomes.put(saved, outcome(mode + " save", () -> items.save(Item.of(saved, 2), mode)));
            outcomes.put(deleted, outcome(mode + " delete", () -> items.delete(deleted, mode)));
            outcomes.put(updated, outcome(mode + " update", () -> items.update(updated, item -> item.plus(1), mode)));
            outcomes.put(inserted, outcome(mode + " insert", () -> items.insert(Item.of(inserted, 2), mode)));
            outcomes.put(
                    conditional,
                    outcome(
                            mode + " ifVersion",
                            () -> items.save(Item.of(conditional, 2), mode.ifVersion(Version.ABSENT))));
            long more = ++id;
            outcomes.put(
                    more,
                    outcome(mode + " saveAll", () -> items.saveAll(List.of(Item.of(more, 2), Item.of(201, 2)), mode)));
        }
        assertThat(inTime("strong", () -> items.read(1L, Read.strong()))).get().isInstanceOf(Unavailable.class);
        inTime("find of a near entry", () -> assertThat(items.find(1L)).contains(Item.of(1, 1)));
        inTime("bounded by zero", () -> {
            Versioned<Item> direct = items.read(1L, Read.bounded(Duration.ZERO));
            assertThat(direct.value()).contains(Item.of(1, 1));
            assertThat(direct.tier()).isEqualTo(Tier.PRIMARY);
            assertThat(direct.mayTrail()).isTrue();
        });
        inTime("findAll", () -> assertThat(items.findAll(List.of(1L, 101L))).containsKey(1L));
        inTime("invalidate", () -> items.invalidate(List.of(1L)));
        inTime("drain", () -> items.drain(LIMIT));
        inTime("lag", items::lag);
        inTime("status", items::writeBackStatus);
        inTime("deadLetters", () -> assertThat(items.deadLetters(1)).isEmpty());

        redis.resume();
        await().atMost(Duration.ofSeconds(15))
                .ignoreExceptionsInstanceOf(Unavailable.class)
                .until(() -> items.read(2L, Read.strong()).value().isPresent());
        items.resumeDrain();
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(items.read(2L, Read.strong()).value()).contains(Item.of(2, 1));
        outcomes.forEach((key, outcome) -> {
            Optional<Item> before = key > 200 ? Optional.empty() : Optional.of(Item.of(key, 1));
            if (outcome == Outcome.NOT_APPLIED) {
                assertThat(items.read(key, Read.strong()).value())
                        .as("%s was told not to be applied", key)
                        .isEqualTo(before);
            }
        });
        assertThat(outcomes.values()).as("sent and not answered").contains(Outcome.UNKNOWN);
        assertThat(outcomes.values()).as("not sent any more").contains(Outcome.NOT_APPLIED);
        // What was sent and not answered may have been logged when Redis went on.
        long acked = items.writeBackStatus().acked();
        instances.ackedElsewhere(acked - items.counters().backWrites.sum());
    }

    private static Outcome outcome(String what, Call call) {
        Optional<UnderstudyException> thrown = inTime(what, call);
        assertThat(thrown).as(what).isPresent();
        return thrown.get().outcome();
    }
}
