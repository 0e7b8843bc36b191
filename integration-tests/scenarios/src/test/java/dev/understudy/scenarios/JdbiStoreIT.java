package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Conflict;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A hand-written store over Jdbi is as good as the built-in one: both modes, races, conditions, drains. */
class JdbiStoreIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    private Instance here;
    private CachedRepository<Long, Item> one;
    private CachedRepository<Long, Item> two;

    @BeforeEach
    void open() {
        instances.createItems(COLUMN);
        here = instances.open();
        one = repository(here);
        two = repository(instances.open());
    }

    private CachedRepository<Long, Item> repository(Instance instance) {
        return instances.repository(instance, new JdbiItems(), settings -> settings.allowWriteBack(back -> {}));
    }

    @Test
    void bothModes_overTwoInstances_areReadAndDrained() {
        for (Write mode : List.of(Write.through(), Write.back())) {
            one.save(Item.of(1, 1), mode);
            assertThat(two.read(1L, Read.strong()).value()).contains(Item.of(1, 1));
            two.update(1L, item -> item.plus(1), mode);
            await().atMost(Instances.MAX_STALENESS)
                    .untilAsserted(() -> assertThat(one.find(1L)).contains(Item.of(1, 2)));
            assertThatThrownBy(() -> one.insert(Item.of(1, 9), mode)).isInstanceOf(Conflict.class);
            one.delete(1L, mode);
            assertThatThrownBy(() -> two.update(1L, item -> item.plus(1), mode)).isInstanceOf(Conflict.class);
            assertThat(two.read(1L, Read.strong()).value()).isEmpty();
        }
        one.saveAll(
                LongStream.rangeClosed(1, 100).mapToObj(id -> Item.of(id, id)).toList(), Write.back());
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                .isEqualTo(100);
    }

    @Test
    void lateLoad_heldAfterItsSelect_replacesNothing() {
        instances.sql().run("INSERT INTO item VALUES (1, 'item 1', 1)");
        Gate gate = here.store().holdNextLoad();
        Background<Optional<Item>> late = Background.begin(() -> one.find(1L));
        gate.awaitArrival();
        two.save(Item.of(1, 2));
        gate.open();
        late.end();
        await().atMost(Instances.MAX_STALENESS)
                .untilAsserted(() -> assertThat(one.find(1L)).contains(Item.of(1, 2)));
    }

    @Test
    void ownTransaction_rolledBack_leavesNothing() {
        one.save(Item.of(1, 1));
        assertThatThrownBy(() -> here.understudy().inTransaction(tx -> {
                    tx.on(one).save(Item.of(1, 2));
                    throw new IllegalArgumentException("the caller's own");
                }))
                .isInstanceOf(IllegalArgumentException.class);
        assertThat(one.find(1L)).contains(Item.of(1, 1));
        here.understudy().inTransaction(tx -> tx.on(one).save(Item.of(1, 3)));
        assertThat(two.read(1L, Read.strong()).value()).contains(Item.of(1, 3));
    }
}
