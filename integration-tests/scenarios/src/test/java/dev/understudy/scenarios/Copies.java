package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Versioned;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The copies of one repository's rows: at the primary, as a fresh instance reads them, and as each running instance serves them. */
final class Copies<K, V> {
    private final PrimaryStore<K, V> store;
    private final Instance observer;
    private final CachedRepository<K, V> fresh;
    private final List<CachedRepository<K, V>> running;
    private final Set<K> keys;
    private final boolean hasWriteBack;

    private Copies(PrimaryStore<K, V> store, Instance observer, List<CachedRepository<K, V>> running, Set<K> keys) {
        this.store = store;
        this.observer = observer;
        this.running = running;
        this.keys = keys;
        this.hasWriteBack = store.versioning().isVersioned();
        this.fresh = observer.repository(store, settings -> {
            Instances.usual(settings);
            settings.near(near -> near.maximumSize(0));
            if (hasWriteBack) {
                settings.allowWriteBack(back -> back.neverDrains());
            }
        });
    }

    @SuppressWarnings("unchecked") // the repositories of a name have its store's types
    static <K, V> Copies<K, V> of(
            PrimaryStore<K, V> store, Instance observer, List<Instance> instances, Set<?> touched) {
        List<CachedRepository<K, V>> running = new ArrayList<>();
        for (Instance instance : instances) {
            CachedRepository<?, ?> one = instance.repositories().get(store.name());
            if (one != null) {
                running.add((CachedRepository<K, V>) one);
            }
        }
        return new Copies<>(store, observer, running, (Set<K>) touched);
    }

    void check(boolean mayBePending, Duration agreement, long acked) {
        if (hasWriteBack) {
            if (!mayBePending) {
                assertThat(fresh.drain(Duration.ofSeconds(10)))
                        .as("pending entries")
                        .isZero();
            }
            WriteBackStatus status = fresh.writeBackStatus();
            assertThat(status.isConserved()).as("conservation of %s", status).isTrue();
            assertThat(status.acked()).as("acknowledged, of %s", status).isEqualTo(acked);
            assertThat(status.lost()).as("lost").isZero();
            if (mayBePending && status.pending() > 0) {
                return;
            }
            assertThat(status.pending()).as("pending").isZero();
        }
        await("the copies are equal").atMost(agreement).untilAsserted(this::compare);
    }

    private void compare() {
        Map<K, Row<V>> rows = observer.primary()
                .call(Primary.Use.LOAD, Duration.ofSeconds(5), connection -> store.load(connection, keys));
        Map<K, Versioned<V>> shared = fresh.readAll(keys, Read.eventual());
        for (K key : keys) {
            Optional<V> row = Optional.ofNullable(rows.get(key)).map(Row::value);
            Versioned<V> copy = shared.get(key);
            assertThat(copy.value())
                    .as("a fresh read, served by %s", copy.tier())
                    .usingRecursiveComparison()
                    .isEqualTo(row);
            if (store.versioning().isVersioned() && row.isPresent()) {
                assertThat(copy.version())
                        .as("version, served by %s", copy.tier())
                        .isEqualTo(rows.get(key).version());
            }
        }
        for (int i = 0; i < running.size(); i++) {
            Map<K, Versioned<V>> near = running.get(i).readAll(keys, Read.eventual());
            for (K key : keys) {
                assertThat(near.get(key).value())
                        .as("instance %s, served by %s", i, near.get(key).tier())
                        .usingRecursiveComparison()
                        .isEqualTo(Optional.ofNullable(rows.get(key)).map(Row::value));
            }
        }
    }
}
