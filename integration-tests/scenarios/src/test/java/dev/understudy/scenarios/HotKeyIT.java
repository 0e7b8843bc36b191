package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Versioning;
import dev.understudy.servers.RedisConsole;
import dev.understudy.servers.Servers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hot key that has ended everywhere costs the primary one load, however many ask for it on however many instances. */
class HotKeyIT {
    private static final int CALLERS = 16;
    private static final Duration LIFE = Duration.ofMillis(1_500);
    /** How long the load takes. */
    private static final Duration SLOW = Duration.ofMillis(500);

    private static final Duration LIMIT = Duration.ofSeconds(20);

    @RegisterExtension
    final Instances instances = new Instances();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void expiredHotKey_sixteenCallersOnTwoInstances_isLoadedOnce(long key) {
        instances.createItems(Versioning.column("us_version"));
        List<Instance> both = List.of(instances.open(), instances.open());
        List<CachedRepository<Long, Item>> items = new ArrayList<>();
        for (Instance one : both) {
            items.add(instances.items(
                    one,
                    Versioning.column("us_version"),
                    settings -> settings.shared(shared -> shared.timeToLive(LIFE))
                            .near(near -> near.timeToLive(LIFE.dividedBy(10)))));
        }
        Item row = Item.of(key, 1);
        items.get(0).save(row);
        items.forEach(one -> assertThat(one.find(key)).contains(row));
        try (RedisConsole redis = new RedisConsole(Servers.shared().redis())) {
            int shard = ShardKey.of(Long.toString(key), Instances.SHARDS).shard();
            String entry = instances.namespace() + ":{item." + shard + "}:e:" + key;
            assertThat(redis.call("EXISTS " + entry)).isEqualTo("1");
            await().atMost(LIMIT).until(() -> redis.call("EXISTS " + entry).equals("0"));
        }
        List<Gate> loads = both.stream().map(one -> one.store().holdNextLoad()).toList();
        both.forEach(one -> one.statements().clear());
        long before = loads(items);
        Gate start = new Gate();
        List<Background<Optional<Item>>> callers = new ArrayList<>();
        for (int i = 0; i < CALLERS; i++) {
            CachedRepository<Long, Item> one = items.get(i % 2);
            callers.add(Background.begin(() -> {
                start.pass();
                return one.find(key);
            }));
        }
        Background.awaitWaiting(callers);

        start.open();
        await().pollDelay(SLOW).atMost(LIMIT).until(() -> loads.stream().anyMatch(Gate::isReached));
        loads.forEach(Gate::open);

        callers.forEach(caller -> assertThat(caller.end()).contains(row));
        assertThat(loads(items) - before).isEqualTo(1);
        assertThat(both.stream()
                        .mapToInt(one -> one.statements().selects("item").size())
                        .sum())
                .isEqualTo(1);
    }

    private static long loads(List<CachedRepository<Long, Item>> items) {
        return items.stream()
                .mapToLong(one -> one.counters().primaryLoads.sum())
                .sum();
    }
}
