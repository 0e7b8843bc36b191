package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Conflict;
import dev.understudy.model.Read;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Two instances write the same keys in turn, under load: all copies end with the highest version that was acknowledged. */
class AlternatingIT {
    private static final long KEYS = 40;
    private static final int WRITERS = 2;

    /** Time for a row that all write all the time, on a machine that does more than this. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    @RegisterExtension
    final Instances instances = new Instances();

    /** What was acknowledged with a version. */
    private record Acked(Version version, Optional<Item> value) {}

    private final Map<Long, Acked> highest = new ConcurrentHashMap<>();
    private final AtomicLong acknowledged = new AtomicLong();
    private final AtomicLong amounts = new AtomicLong();

    static Stream<Arguments> mixtures() {
        return Stream.of(
                Arguments.of(Versioning.column("us_version"), "saves and deletes back"),
                Arguments.of(Versioning.column("us_version"), "saves back and through"),
                Arguments.of(Versioning.columnAndTrigger("us_version"), "saves back and through"));
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("mixtures")
    void twoInstances_onTheSameKeys_endWithTheHighestVersionEverywhere(Versioning versioning, String mixture) {
        instances.createItems(versioning);
        boolean deletes = mixture.contains("deletes");
        CachedRepository<Long, Item> one = instances.items(instances.open(), versioning);
        CachedRepository<Long, Item> two = instances.items(instances.open(), versioning);
        long seed = System.nanoTime();
        long end = System.nanoTime() + Soak.time().toNanos();
        List<Background<Boolean>> writers = new ArrayList<>();
        for (int i = 0; i < 2 * WRITERS; i++) {
            CachedRepository<Long, Item> on = i % 2 == 0 ? one : two;
            Random random = new Random(seed + i);
            writers.add(Background.begin(() -> {
                while (System.nanoTime() < end) {
                    write(on, random, deletes);
                }
                return true;
            }));
        }
        writers.forEach(writer -> writer.end(Soak.timeAnd(Duration.ofSeconds(30))));
        assertThat(one.drain(Duration.ofSeconds(20))).isZero();
        assertThat(acknowledged.get()).as("acknowledged, seed %s", seed).isGreaterThan(1_000);
        for (long id = 1; id <= KEYS; id++) {
            Acked expected = highest.get(id);
            Optional<String> row = instances.sql().row("SELECT amount, us_version FROM item WHERE id = " + id);
            assertThat(row)
                    .as("row of %s, seed %s", id, seed)
                    .isEqualTo(expected.value()
                            .map(item ->
                                    item.amount() + "|" + expected.version().value()));
        }
        await().atMost(Instances.MAX_STALENESS).untilAsserted(() -> assertCopies(one, two, seed));
    }

    private void write(CachedRepository<Long, Item> on, Random random, boolean deletes) {
        long id = 1 + random.nextLong(KEYS);
        int kind = random.nextInt(10);
        Optional<Item> value = deletes && kind == 0 ? Optional.empty() : Optional.of(next(id));
        Write mode = (!deletes && kind < 2 ? Write.through() : Write.back()).timeout(PATIENCE);
        WriteReceipt receipt;
        try {
            if (value.isEmpty()) {
                receipt = on.delete(id, mode);
            } else if (kind == 3) {
                Item[] written = new Item[1];
                receipt = on.update(id, item -> written[0] = next(id), mode);
                value = Optional.of(written[0]);
            } else {
                receipt = on.save(value.get(), mode);
            }
        } catch (Conflict e) {
            return; // an update of a row that is deleted, or that others change all the time
        }
        acknowledged.incrementAndGet();
        Acked acked = new Acked(receipt.version(), value);
        highest.merge(id, acked, (a, b) -> a.version().isAfter(b.version()) ? a : b);
    }

    private Item next(long id) {
        return Item.of(id, amounts.incrementAndGet());
    }

    private void assertCopies(CachedRepository<Long, Item> one, CachedRepository<Long, Item> two, long seed) {
        for (long id = 1; id <= KEYS; id++) {
            Acked expected = highest.get(id);
            for (CachedRepository<Long, Item> items : List.of(one, two)) {
                assertThat(items.find(id)).as("near, seed %s", seed).isEqualTo(expected.value());
                Versioned<Item> shared = items.read(id, Read.bounded(Duration.ZERO));
                assertThat(shared.value()).as("shared, seed %s", seed).isEqualTo(expected.value());
                if (expected.value().isPresent()) {
                    assertThat(shared.version()).as("version, seed %s", seed).isEqualTo(expected.version());
                }
            }
        }
    }
}
