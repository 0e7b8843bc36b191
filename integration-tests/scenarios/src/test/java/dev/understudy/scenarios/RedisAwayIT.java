package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.servers.RedisServer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Redis is killed and comes back, under load. */
class RedisAwayIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final long ROWS = 50;

    @RegisterExtension
    final Instances instances = new Instances();

    private RedisServer redis;

    @BeforeEach
    void startRedis() {
        redis = instances.closing(RedisServer.builder().start());
        instances.redisUri(redis.uri());
    }

    private static List<Item> rows(long amount) {
        return LongStream.rangeClosed(1, ROWS)
                .mapToObj(id -> Item.of(id, amount))
                .toList();
    }

    @Test
    void reads_whileRedisIsKilledAndRestarted_goOnAndAgreeAfterwards() {
        instances.createItems(Versioning.none());
        CachedRepository<Long, Item> one = instances.items(instances.open(), Versioning.none());
        CachedRepository<Long, Item> two = instances.items(instances.open(), Versioning.none());
        one.saveAll(rows(1));
        AtomicBoolean running = new AtomicBoolean(true);
        AtomicLong reads = new AtomicLong();
        List<Background<Boolean>> readers = List.of(reader(one, running, reads), reader(two, running, reads));
        redis.kill();
        long before = reads.get();
        await().atMost(Duration.ofSeconds(10)).until(() -> reads.get() > before + 500);
        Versioned<Item> direct = one.read(1L, Read.bounded(Duration.ZERO));
        assertThat(direct.tier()).isEqualTo(Tier.PRIMARY);
        assertThat(direct.mayTrail()).as("nothing can be pending").isFalse();
        assertThat(one.read(1L, Read.strong()).value()).contains(Item.of(1, 1));
        long begin = System.nanoTime();
        UnderstudyException refused = catchThrowableOfType(UnderstudyException.class, () -> one.save(Item.of(1, 2)));
        assertThat(refused).isInstanceOf(Unavailable.class);
        assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertThat(refused.tier()).isEqualTo(Tier.SHARED);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(3));
        assertThat(instances.sql().row("SELECT amount FROM item WHERE id = 1")).contains("1");
        redis.start();
        await().atMost(Duration.ofSeconds(15))
                .ignoreExceptionsInstanceOf(Unavailable.class)
                .untilAsserted(() -> one.save(Item.of(1, 3)));
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(
                                one.read(2L, Read.bounded(Duration.ZERO)).tier())
                        .isEqualTo(Tier.SHARED));
        running.set(false);
        readers.forEach(Background::end);
        await().atMost(Duration.ofSeconds(10))
                .untilAsserted(() -> assertThat(two.find(1L)).contains(Item.of(1, 3)));
    }

    private static Background<Boolean> reader(
            CachedRepository<Long, Item> items, AtomicBoolean running, AtomicLong reads) {
        return Background.begin(() -> {
            for (long id = 1; running.get(); id = id % ROWS + 1) {
                assertThat(items.read(id, Read.bounded(Duration.ZERO)).value()).isPresent();
                reads.incrementAndGet();
            }
            return true;
        });
    }

    @Test
    void writeBackRepository_whileRedisIsAway_saysSoAndKeepsWhatWasPending() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> one = instances.items(instances.open(), COLUMN);
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        one.saveAll(rows(1));
        one.pauseDrain();
        two.pauseDrain();
        one.saveAll(rows(2).subList(0, 20), Write.back());
        redis.kill();
        Versioned<Item> trailing = two.read(1L, Read.bounded(Duration.ZERO));
        assertThat(trailing.mayTrail()).isTrue();
        assertThat(trailing.value()).contains(Item.of(1, 1));
        assertThatThrownBy(() -> two.read(1L, Read.strong())).isInstanceOf(Unavailable.class);
        for (Write mode : List.of(Write.through(), Write.back())) {
            UnderstudyException refused =
                    catchThrowableOfType(UnderstudyException.class, () -> two.save(Item.of(1, 3), mode));
            assertThat(refused).isInstanceOf(Unavailable.class);
            assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        }
        redis.start();
        one.resumeDrain();
        two.resumeDrain();
        await().atMost(Duration.ofSeconds(20))
                .ignoreExceptionsInstanceOf(Unavailable.class)
                .until(() -> two.drain(Duration.ofSeconds(5)) == 0);
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = 2"))
                .isEqualTo(20);
        assertThat(two.read(1L, Read.strong()).value()).contains(Item.of(1, 2));
        assertThat(two.writeBackStatus().applied()).isEqualTo(20);
    }
}
