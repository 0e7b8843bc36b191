package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A load that has read the old row, or got the old entry, and goes on only after a write has ended, never replaces what was written; nor does one stay that has
 * ended before the write.
 */
class LateFillIT {
    @RegisterExtension
    final Instances instances = new Instances();

    private record Change(String name, Optional<Item> outcome, BiConsumer<CachedRepository<Long, Item>, Long> write) {}

    static Stream<Arguments> writers() {
        List<Arguments> all = new ArrayList<>();
        for (Versioning versioning : List.of(
                Versioning.none(), Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"))) {
            for (boolean sameInstance : new boolean[] {true, false}) {
                all.add(Arguments.of(versioning, sameInstance, true));
                all.add(Arguments.of(versioning, sameInstance, false));
            }
        }
        return all.stream();
    }

    private static List<Change> changes(Versioning versioning, long key) {
        List<Change> changes = new ArrayList<>();
        List<Write> modes =
                versioning.isVersioned() ? List.of(Write.through(), Write.back()) : List.of(Write.through());
        for (Write mode : modes) {
            Item written = Item.of(key + changes.size(), 2);
            changes.add(new Change("save " + mode, Optional.of(written), (on, k) -> on.save(written, mode)));
            changes.add(new Change("delete " + mode, Optional.empty(), (on, k) -> on.delete(k, mode)));
        }
        return changes;
    }

    @ParameterizedTest(name = "{0} sameInstance={1} late={2}")
    @MethodSource("writers")
    void fillOfTheSharedReplica_aroundAWrite_neverReplacesIt(
            Versioning versioning, boolean sameInstance, boolean isLate) {
        instances.createItems(versioning);
        Instance reading = instances.open();
        CachedRepository<Long, Item> reader = instances.items(reading, versioning);
        CachedRepository<Long, Item> other = instances.items(instances.open(), versioning);
        CachedRepository<Long, Item> writer = sameInstance ? reader : other;
        long key = 1;
        for (Change change : changes(versioning, key)) {
            long id = key++;
            instances.sql().run("INSERT INTO item VALUES (" + id + ", 'item " + id + "', 1)");
            Gate gate = reading.store().holdNextLoad();
            Background<Optional<Item>> late = Background.begin(() -> reader.find(id));
            gate.awaitArrival();
            if (!isLate) {
                gate.open();
                assertThat(late.end()).contains(Item.of(id, 1));
            }
            change.write().accept(writer, id);
            assertThat(writer.find(id)).as("own write, %s", change.name()).isEqualTo(change.outcome());
            gate.open();
            late.end();
            assertThat(reader.read(id, Read.strong()).value())
                    .as("strong, %s", change.name())
                    .isEqualTo(change.outcome());
            assertThat(reader.read(id, Read.bounded(Duration.ZERO)).value())
                    .as("from the shared replica, %s", change.name())
                    .isEqualTo(change.outcome());
            await(change.name())
                    .atMost(Instances.MAX_STALENESS)
                    .untilAsserted(() -> assertThat(reader.find(id)).isEqualTo(change.outcome()));
        }
    }

    @ParameterizedTest(name = "{0} sameInstance={1} late={2}")
    @MethodSource("writers")
    void installInTheNearReplica_aroundAWrite_neverReplacesIt(
            Versioning versioning, boolean sameInstance, boolean isLate) throws InterruptedException {
        instances.createItems(versioning);
        Instance reading = instances.open();
        CachedRepository<Long, Item> reader = instances.items(reading, versioning);
        CachedRepository<Long, Item> other = instances.items(instances.open(), versioning);
        CachedRepository<Long, Item> writer = sameInstance ? reader : other;
        long key = 1;
        for (Change change : changes(versioning, key)) {
            long id = key++;
            long neighbour = Keys.neighbour(id);
            Item old = Item.of(id, 1);
            other.save(old);
            assertThat(other.find(id)).contains(old);
            awaitAnnounced(other, reader, neighbour, 1);
            Hold hold = new Hold();
            reading.replica().next(FaultySharedReplica.Reading.class, Fault.heldAfter(hold));
            Background<Optional<Item>> late = Background.begin(() -> reader.find(id));
            assertThat(hold.awaitArrival(Duration.ofSeconds(10))).isTrue();
            if (!isLate) {
                hold.release();
                assertThat(late.end()).contains(old);
            }
            change.write().accept(writer, id);
            awaitAnnounced(other, reader, neighbour, 2);
            hold.release();
            late.end();
            assertThat(reader.find(id)).as(change.name()).isEqualTo(change.outcome());
        }
    }

    /** Waits until the reader has heard of everything that was announced in the neighbour's shard so far. */
    private static void awaitAnnounced(
            CachedRepository<Long, Item> writer, CachedRepository<Long, Item> reader, long neighbour, long amount) {
        writer.save(Item.of(neighbour, amount));
        await().atMost(Instances.MAX_STALENESS.multipliedBy(2))
                .pollInterval(Duration.ofMillis(2))
                .untilAsserted(() -> assertThat(reader.find(neighbour)).contains(Item.of(neighbour, amount)));
    }
}
