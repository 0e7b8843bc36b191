package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.Primary;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A pending write is overtaken by a write-through, and that row deleted, while the batch with the old write is in flight. */
class SupersededIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    static Stream<Write> modes() {
        return Stream.of(Write.through(), Write.back());
    }

    @ParameterizedTest(name = "the delete is {0}")
    @MethodSource("modes")
    void batch_readBeforeAWriteThroughAndADelete_doesNotBringTheRowBack(Write mode) {
        instances.createItems(COLUMN);
        Instance draining = instances.open();
        CachedRepository<Long, Item> one = instances.items(
                instances.open(), COLUMN, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        CachedRepository<Long, Item> two = instances.items(draining, COLUMN);
        // The drainer holds the shard already, so that its next transaction is the batch.
        two.save(Item.of(Keys.neighbour(1), 1), Write.back());
        assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        two.pauseDrain();
        one.save(Item.of(1, 1), Write.back());
        Gate gate = draining.primary().holdNextBegin(Primary.Use.DRAIN);
        two.resumeDrain();
        gate.awaitArrival();
        one.save(Item.of(1, 2), Write.through());
        one.delete(1L, mode);
        assertThat(one.read(1L, Read.strong()).value()).isEmpty();
        long before = two.counters().drainBatches.sum();
        gate.open();
        assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        assertThat(two.counters().drainBatches.sum())
                .as("the batch was written")
                .isGreaterThan(before);
        assertThat(instances.sql().rows("SELECT id, amount FROM item WHERE id = 1"))
                .isEmpty();
        assertThat(one.read(1L, Read.strong()).value()).isEmpty();
        assertThat(two.find(1L)).isEmpty();
        assertThat(two.writeBackStatus().superseded()).isEqualTo(1);
    }
}
