package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A pending write is overtaken by a write-through, and that row deleted, while the batch with the old write is in flight. */
class SupersededIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    static Stream<Arguments> deletes() {
        return Stream.of(
                Arguments.of(Write.through(), true),
                Arguments.of(Write.through(), false),
                Arguments.of(Write.back(), true));
    }

    @ParameterizedTest(name = "the delete is {0}, its tombstone is kept: {1}")
    @MethodSource("deletes")
    void batch_readBeforeAWriteThroughAndADelete_doesNotBringTheRowBack(Write mode, boolean isTombstoneKept) {
        instances.createItems(COLUMN);
        Instance draining = instances.open();
        CachedRepository<Long, Item> one = instances.items(
                instances.open(), COLUMN, settings -> settings.allowWriteBack(back -> back.neverDrains()));
        CachedRepository<Long, Item> two = instances.items(draining, COLUMN);
        two.pauseDrain();
        one.save(Item.of(1, 1), Write.back());
        CompletableFuture<Gate> batch = new CompletableFuture<>();
        try (Rule watch = draining.replica()
                .watch(
                        SharedCommand.Peek.class,
                        call -> batch.complete(draining.primary().holdNextBegin(Primary.Use.DRAIN)))) {
            two.resumeDrain();
            batch.join().awaitArrival();
        }
        one.save(Item.of(1, 2), Write.through());
        one.delete(1L, mode);
        assertThat(one.read(1L, Read.strong()).value()).isEmpty();
        if (!isTombstoneKept) {
            // The batch was in flight for longer than tombstones are kept.
            instances.sql().run("DELETE FROM us_tombstone");
        }
        long before = two.counters().drainBatches.sum();
        batch.join().open();
        await("the batch is written")
                .atMost(Duration.ofSeconds(10))
                .until(() -> two.counters().drainBatches.sum() > before);
        assertThat(two.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id, amount FROM item WHERE id = 1"))
                .isEmpty();
        assertThat(one.read(1L, Read.strong()).value()).isEmpty();
        assertThat(two.find(1L)).isEmpty();
        assertThat(two.writeBackStatus().superseded()).isEqualTo(1);
    }
}
