package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Versioning;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * How long after a save has returned another instance still serves the old value that its near replica held, over 1,000 keys in turn. {@code -Dunderstudy.latency.writes=10000}
 * measures more writes.
 */
class InvalidationLatencyIT {
    private static final int WRITES = Integer.getInteger("understudy.latency.writes", 300);

    private static final int KEYS = 1_000;

    @RegisterExtension
    final Instances instances = new Instances();

    @Test
    void save_untilTheOtherInstanceNoLongerServesTheOldValue_takesAnAnnouncement() {
        instances.createItems(Versioning.column("us_version"));
        CachedRepository<Long, Item> writer = instances.items(instances.open(), Versioning.column("us_version"));
        CachedRepository<Long, Item> reader = instances.items(instances.open(), Versioning.column("us_version"));
        long[] nanos = new long[WRITES];
        for (int i = 0; i < WRITES; i++) {
            long key = i % KEYS;
            Item item = Item.of(key, i + 1);
            await().pollDelay(Duration.ZERO)
                    .pollInterval(Duration.ofMillis(1))
                    .until(() -> reader.read(key, Read.defaults()).tier() == Tier.NEAR);
            writer.save(item);
            long begin = System.nanoTime();
            while (!reader.find(key).equals(Optional.of(item))) {
                Thread.onSpinWait();
            }
            nanos[i] = System.nanoTime() - begin;
        }
        Arrays.sort(nanos);
        Duration median = Duration.ofNanos(nanos[WRITES / 2]);
        Duration p99 = Duration.ofNanos(nanos[WRITES * 99 / 100]);
        System.out.printf(
                "invalidation latency over %d writes: p50 %d us, p99 %d us, near hits %d, announcements lost %d%n",
                WRITES,
                median.toNanos() / 1_000,
                p99.toNanos() / 1_000,
                reader.nearStatus().reads().near(),
                reader.nearStatus().gaps());
        assertThat(median).isLessThan(Instances.MAX_STALENESS);
        assertThat(p99).isLessThan(Instances.MAX_STALENESS.multipliedBy(2));
    }
}
