package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Instances that drain share the shards with pending writes: nobody keeps them all, and nobody who rests keeps any. */
class FairSharesIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Duration LEASE = Duration.ofSeconds(2);
    /** Twice what it takes at most, as other tests run beside this one. */
    private static final Duration PATIENCE = LEASE.multipliedBy(4);

    @RegisterExtension
    final Instances instances = new Instances();

    private CachedRepository<Long, Item> draining(Instance instance) {
        return instances.items(instance, COLUMN, settings -> settings.allowWriteBack(back -> back.lease(LEASE)));
    }

    /** How many shards each owner holds, leases that have ended left out. */
    private TreeMap<String, Long> owners() {
        TreeMap<String, Long> counts = new TreeMap<>();
        for (String owner : instances
                .sql()
                .rows(
                        "SELECT owner FROM us_shard WHERE cache = 'item' AND owner <> '' AND lease_until > clock_timestamp()")) {
            counts.merge(owner, 1L, Long::sum);
        }
        return counts;
    }

    @Test
    void shards_underSteadyLoad_areSharedByThoseWhoDrain() {
        instances.createItems(COLUMN);
        Instance first = instances.open();
        CachedRepository<Long, Item> one = draining(first);
        Instance idle = instances.open();
        instances.items(idle, COLUMN, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        AtomicBoolean ends = new AtomicBoolean();
        Background<Integer> load = Background.begin(() -> {
            int written = 0;
            for (; !ends.get(); written++) {
                List<Item> batch = new ArrayList<>();
                for (long id = 0; id < 64; id++) {
                    batch.add(Item.of(id, written));
                }
                one.saveAll(batch, Write.back());
            }
            return written;
        });
        String a = first.understudy().owner();
        await("one drains all").atMost(PATIENCE).until(() -> owners().getOrDefault(a, 0L) == Instances.SHARDS);

        Instance second = instances.open();
        CachedRepository<Long, Item> two = draining(second);
        String b = second.understudy().owner();
        await("two share")
                .atMost(PATIENCE)
                .until(() -> owners().getOrDefault(a, 0L) == Instances.SHARDS / 2
                        && owners().getOrDefault(b, 0L) == Instances.SHARDS / 2);

        one.pauseDrain();
        assertThat(owners()).as("given back when the pause begins").doesNotContainKey(a);
        await("the other takes them").atMost(PATIENCE).until(() -> owners().getOrDefault(b, 0L) == Instances.SHARDS);
        one.resumeDrain();
        await("and shares again").atMost(PATIENCE).until(() -> owners().getOrDefault(a, 0L) == Instances.SHARDS / 2);
        ends.set(true);
        assertThat(load.end()).isPositive();
        assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        assertThat(owners().keySet()).as("who never drains holds nothing").isSubsetOf(a, b);
        await("an idle application holds nothing").atMost(PATIENCE).until(() -> owners().isEmpty());
        assertThat(instances.sql().number("SELECT count(*) FROM us_drainer")).isZero();
    }
}
