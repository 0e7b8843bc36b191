package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Rejected;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import dev.understudy.servers.PostgresServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Postgres is killed under load, stays away for the soak time, and comes back. */
class PostgresAwayIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final long KEYS_OF_A_WRITER = 400;

    @RegisterExtension
    final Instances instances = new Instances();

    private final AtomicBoolean running = new AtomicBoolean(true);
    private final AtomicLong acknowledged = new AtomicLong();
    private PostgresServer postgres;

    @BeforeEach
    void startPostgres() {
        postgres = instances.closing(PostgresServer.builder().start());
        instances.postgres(postgres);
    }

    /** Saves and deletes of keys that nobody else writes; answers what was acknowledged last for each key. */
    private Background<Map<Long, Optional<Item>>> writer(CachedRepository<Long, Item> items, int number) {
        Random random = new Random(number);
        return Background.begin(() -> {
            Map<Long, Optional<Item>> last = new TreeMap<>();
            for (long amount = 1; running.get(); amount++) {
                long id = 1 + number * KEYS_OF_A_WRITER + random.nextLong(KEYS_OF_A_WRITER);
                Item item = Item.of(id, amount);
                boolean deletes = random.nextInt(10) == 0;
                WriteReceipt receipt = deletes ? items.delete(id, Write.back()) : items.save(item, Write.back());
                assertThat(receipt.mode()).isEqualTo(WriteMode.BACK);
                last.put(id, deletes ? Optional.empty() : Optional.of(item));
                acknowledged.incrementAndGet();
            }
            return last;
        });
    }

    private void awaitMore(long writes) {
        long before = acknowledged.get();
        await().atMost(Duration.ofSeconds(10)).until(() -> acknowledged.get() > before + writes);
    }

    @Test
    void writeBack_whilePostgresIsAway_goesOnAndEverythingArrivesAfterwards() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> one = instances.items(instances.open(), COLUMN);
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        List<Background<Map<Long, Optional<Item>>>> writers = new ArrayList<>();
        for (int number = 0; number < 4; number++) {
            writers.add(writer(number % 2 == 0 ? one : two, number));
        }
        awaitMore(500);
        postgres.kill();
        long end = System.nanoTime() + Soak.time().toNanos();
        while (System.nanoTime() < end) {
            awaitMore(100);
        }
        assertThat(one.lag().entries()).isPositive();
        UnderstudyException refused =
                catchThrowableOfType(UnderstudyException.class, () -> one.save(Item.of(1_000_000, 1), Write.through()));
        assertThat(refused.tier()).isEqualTo(Tier.PRIMARY);
        assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        postgres.start();
        awaitMore(500);
        running.set(false);
        Map<Long, Optional<Item>> expected = new TreeMap<>();
        writers.forEach(writer -> expected.putAll(writer.end()));
        assertThat(one.drain(Duration.ofSeconds(30))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item ORDER BY id"))
                .containsExactlyElementsOf(expected.values().stream()
                        .flatMap(Optional::stream)
                        .map(item -> item.id() + "|" + item.amount())
                        .toList());
        WriteBackStatus status = one.writeBackStatus();
        assertThat(status.dead()).as("dead").isZero();
        assertThat(status.applied() + status.superseded()).isEqualTo(status.acked());
        assertThat(one.deadLetters(10)).isEmpty();
    }

    @Test
    void writeBackOfAnUnknownKey_whilePostgresIsAway_isAcknowledgedInTime() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        items.save(Item.of(1, 1));
        postgres.kill();
        long begin = System.nanoTime();
        for (long id = 1; id <= 50; id++) {
            items.save(Item.of(id, 2), Write.back());
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
        assertThat(items.read(50L, Read.strong()).value()).contains(Item.of(50, 2));
        postgres.start();
        assertThat(items.drain(Duration.ofSeconds(30))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = 2"))
                .isEqualTo(50);
    }

    private static UnderstudyException refusal(CachedRepository<Long, Item> items, Item item, Write write) {
        return catchThrowableOfType(UnderstudyException.class, () -> items.save(item, write));
    }

    @Test
    void saves_whilePostgresIsAway_areRefusedAtOnce_andItsReturnIsNoticed() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        items.save(Item.of(1, 1));
        postgres.kill();
        Write through = Write.through().timeout(Duration.ofSeconds(1));
        for (int i = 0; i < 3; i++) {
            assertThat(refusal(items, Item.of(1, 2), through)).isNotNull();
        }
        long begin = System.nanoTime();
        for (long id = 1; id <= 50; id++) {
            assertThat(refusal(items, Item.of(id, 2), through).outcome()).isEqualTo(Outcome.NOT_APPLIED);
        }
        // Far less than the time of one call each.
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
        postgres.start();
        await().atMost(Duration.ofSeconds(10))
                .ignoreExceptionsInstanceOf(UnderstudyException.class)
                .untilAsserted(() ->
                        assertThat(items.save(Item.of(1, 3), through).mode()).isEqualTo(WriteMode.THROUGH));
    }

    @Test
    void writeBackAtItsBound_whilePostgresIsAway_isRejectedAndGoesThroughAfterwards() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(
                instances.open(), COLUMN, settings -> settings.allowWriteBack(back -> back.maximumPending(80)));
        items.pauseDrain();
        postgres.kill();
        // It answered a moment ago: until the first failure a write at the bound may still be taken there.
        assertThat(refusal(items, Item.of(1, 1), Write.through())).isNotNull();
        List<Long> acked = new ArrayList<>();
        for (long id = 1; id <= 200; id++) {
            UnderstudyException refused = refusal(items, Item.of(id, 2), Write.back());
            if (refused == null) {
                acked.add(id);
            } else {
                assertThat(refused).isInstanceOf(Rejected.class);
                assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            }
        }
        assertThat(acked).hasSizeBetween(10, 80);
        postgres.start();
        long rejected = LongStream.rangeClosed(1, 200)
                .filter(id -> !acked.contains(id))
                .findFirst()
                .orElseThrow();
        await().atMost(Duration.ofSeconds(10))
                .ignoreExceptionsInstanceOf(UnderstudyException.class)
                .untilAsserted(() -> assertThat(
                                items.save(Item.of(rejected, 3), Write.back()).mode())
                        .isEqualTo(WriteMode.THROUGH));
        items.resumeDrain();
        assertThat(items.drain(Duration.ofSeconds(30))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = 2"))
                .isEqualTo(acked.size());
    }
}
