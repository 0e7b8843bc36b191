package dev.understudy.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.model.Invalid;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What every near replica must do; extended for each adapter and for the in-memory twin. */
public abstract class NearReplicaContract {
    /** The factory under test. */
    protected abstract NearReplicaFactory factory();

    @Test
    void get_ofNothing_isNull() {
        assertThat(factory().<String, String>ofSize(10).get("a")).isNull();
    }

    @Test
    void compute_storesReplacesAndRemoves() {
        NearReplica<String, String> near = factory().ofSize(10);
        near.compute("a", (key, entry) -> key + entry);
        assertThat(near.get("a")).isEqualTo("anull");
        near.compute("a", (key, entry) -> entry + "!");
        assertThat(near.get("a")).isEqualTo("anull!");
        near.compute("a", (key, entry) -> null);
        assertThat(near.get("a")).isNull();
        near.compute("a", (key, entry) -> null);
        assertThat(near.size()).isZero();
    }

    @Test
    void get_givesTheStoredInstance() {
        NearReplica<String, Optional<String>> near = factory().ofSize(10);
        Optional<String> stored = Optional.of("value");
        near.compute("a", (key, entry) -> stored);
        assertThat(near.get("a")).isSameAs(stored);
    }

    @Test
    void compute_thatKeepsTheEntry_changesNothing() {
        NearReplica<String, String> near = factory().ofSize(10);
        near.compute("a", (key, entry) -> "1");
        near.compute("a", (key, entry) -> entry);
        assertThat(near.get("a")).isEqualTo("1");
        assertThat(near.size()).isEqualTo(1);
    }

    @Test
    void remove_onlyTheEntryThatIsStored() {
        NearReplica<String, String> near = factory().ofSize(10);
        near.compute("a", (key, entry) -> "new");
        near.remove("a", "old");
        assertThat(near.get("a")).isEqualTo("new");
        near.remove("a", "new");
        assertThat(near.get("a")).isNull();
    }

    @Test
    void clear_removesEverything() {
        NearReplica<Integer, String> near = factory().ofSize(100);
        for (int i = 0; i < 50; i++) {
            near.compute(i, (key, entry) -> "v");
        }
        near.clear();
        assertThat(near.size()).isZero();
        assertThat(near.get(7)).isNull();
    }

    @Test
    void size_isBounded() {
        NearReplica<Integer, String> near = factory().ofSize(100);
        for (int i = 0; i < 10_000; i++) {
            near.compute(i, (key, entry) -> "v");
        }
        await().atMost(Duration.ofSeconds(10)).until(() -> {
            near.get(0);
            return near.size() <= 100;
        });
    }

    @Test
    void weight_isBounded_andAtLeastOneEach() {
        NearReplica<Integer, String> near = factory().ofWeight(100, (key, entry) -> entry.length());
        for (int i = 0; i < 1_000; i++) {
            near.compute(i, (key, entry) -> "0123456789");
        }
        await().atMost(Duration.ofSeconds(10)).until(() -> near.size() <= 10);
        near.clear();
        for (int i = 0; i < 1_000; i++) {
            near.compute(i, (key, entry) -> "");
        }
        await().atMost(Duration.ofSeconds(10)).until(() -> near.size() <= 100);
    }

    @Test
    void bounds_belowOne_areRefused() {
        assertThatThrownBy(() -> factory().ofSize(0)).isInstanceOf(Invalid.class);
        assertThatThrownBy(() -> factory().ofWeight(0, (key, entry) -> 1)).isInstanceOf(Invalid.class);
    }

    @Test
    void compute_isAtomicPerKey() throws Exception {
        NearReplica<String, Integer> near = factory().ofSize(10);
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            List<Future<?>> running = new ArrayList<>();
            for (int t = 0; t < 4; t++) {
                running.add(threads.submit(() -> {
                    for (int i = 0; i < 5_000; i++) {
                        near.compute("a", (key, count) -> count == null ? 1 : count + 1);
                    }
                }));
            }
            for (Future<?> each : running) {
                each.get(30, TimeUnit.SECONDS);
            }
        } finally {
            threads.shutdown();
            assertThat(threads.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(near.get("a")).isEqualTo(20_000);
    }
}
