package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Versioning;
import dev.understudy.spi.FaultySharedReplica.Reading;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Many keys at once cost one question to each tier. */
class FindAllIT {
    private static final List<Long> IDS = LongStream.rangeClosed(1, 100).boxed().toList();

    @RegisterExtension
    final Instances instances = new Instances();

    @Test
    void manyColdKeys_takeOneReadAndOneSelect() {
        instances.createItems(Versioning.none());
        instances.sql().run("INSERT INTO item SELECT i, 'item ' || i, i FROM generate_series(1, 50) AS i");
        Instance first = instances.open();
        CachedRepository<Long, Item> items = instances.items(first, Versioning.none());
        AtomicInteger reads = new AtomicInteger();
        first.replica().watch(Reading.class, call -> reads.incrementAndGet());
        first.statements().clear();
        assertThat(items.findAll(IDS)).hasSize(50);
        assertThat(reads).as("reads of the shared replica").hasValue(1);
        assertThat(first.statements().selects(Item.TABLE)).hasSize(1);
        assertThat(items.findAll(IDS)).hasSize(50);
        assertThat(reads).as("all near").hasValue(1);

        Instance second = instances.open();
        CachedRepository<Long, Item> others = instances.items(second, Versioning.none());
        AtomicInteger readsOfSecond = new AtomicInteger();
        second.replica().watch(Reading.class, call -> readsOfSecond.incrementAndGet());
        second.statements().clear();
        assertThat(others.findAll(IDS)).hasSize(50);
        assertThat(readsOfSecond).hasValue(1);
        assertThat(second.statements().selects(Item.TABLE))
                .as("all shared, negative ones too")
                .isEmpty();
    }

    @Test
    void missingRow_isANegativeEntry_untilItsTimeIsOver() {
        instances.createItems(Versioning.none());
        Instance instance = instances.open();
        CachedRepository<Long, Item> items = instances.items(
                instance,
                Versioning.none(),
                settings -> settings.shared(shared -> shared.negativeTimeToLive(Duration.ofSeconds(1))));
        assertThat(items.find(1L)).isEmpty();
        instance.statements().clear();
        assertThat(items.find(1L)).isEmpty();
        assertThat(items.read(1L, Read.bounded(Duration.ZERO)).tier()).isEqualTo(Tier.SHARED);
        assertThat(instance.statements().selects(Item.TABLE)).isEmpty();
        instances.sql().run("INSERT INTO item VALUES (1, 'item 1', 1)");
        await().atMost(Duration.ofSeconds(4))
                .untilAsserted(() -> assertThat(items.find(1L)).contains(Item.of(1, 1)));
    }

    @Test
    void insert_afterANegativeEntry_isSeenAtOnce() {
        instances.createItems(Versioning.none());
        CachedRepository<Long, Item> one = instances.items(instances.open(), Versioning.none());
        CachedRepository<Long, Item> two = instances.items(instances.open(), Versioning.none());
        assertThat(one.findAll(IDS)).isEmpty();
        assertThat(two.findAll(IDS)).isEmpty();
        one.insert(Item.of(7, 1));
        assertThat(one.find(7L)).contains(Item.of(7, 1));
        await().atMost(Instances.MAX_STALENESS)
                .untilAsserted(() -> assertThat(two.find(7L)).contains(Item.of(7, 1)));
    }

    @Test
    void invalidate_afterAChangeElsewhere_makesBothInstancesReadItAgain() {
        instances.createItems(Versioning.none());
        CachedRepository<Long, Item> one = instances.items(instances.open(), Versioning.none());
        CachedRepository<Long, Item> two = instances.items(instances.open(), Versioning.none());
        one.saveAll(List.of(Item.of(1, 1), Item.of(2, 1)));
        assertThat(two.findAll(List.of(1L, 2L))).hasSize(2);
        instances.sql().run("UPDATE item SET amount = 9 WHERE id = 1; DELETE FROM item WHERE id = 2");
        one.invalidate(List.of(1L, 2L));
        assertThat(one.findAll(List.of(1L, 2L)).values()).containsExactly(Item.of(1, 9));
        await().atMost(Instances.MAX_STALENESS)
                .untilAsserted(
                        () -> assertThat(two.findAll(List.of(1L, 2L)).values()).containsExactly(Item.of(1, 9)));
    }
}
