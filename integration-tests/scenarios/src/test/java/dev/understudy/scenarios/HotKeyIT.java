package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.CachedRepository;
import dev.understudy.model.Versioning;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A hot key that has ended everywhere costs the primary one load, however many ask for it on however many instances. */
class HotKeyIT {
    private static final int CALLERS = 16;

    @RegisterExtension
    final Instances instances = new Instances();

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void expiredHotKey_sixteenCallersOnTwoInstances_isLoadedOnce(long key) {
        instances.createItems(Versioning.column("us_version"));
        List<CachedRepository<Long, Item>> items = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            items.add(instances.items(instances.open(), Versioning.column("us_version")));
        }
        Item row = Item.of(key, 1);
        items.get(0).save(row);
        items.forEach(one -> assertThat(one.find(key)).contains(row));
        items.get(0).invalidate(List.of(key));
        items.get(1).invalidate(List.of(key));
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

        callers.forEach(caller -> assertThat(caller.end()).contains(row));
        assertThat(loads(items) - before).isEqualTo(1);
    }

    private static long loads(List<CachedRepository<Long, Item>> items) {
        return items.stream()
                .mapToLong(one -> one.counters().primaryLoads.sum())
                .sum();
    }
}
