package dev.understudy.spi;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.model.Invalid;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.ToIntBiFunction;
import org.jspecify.annotations.Nullable;

/** A near replica in a linked map; when it is full, it evicts the entry stored longest ago. Thread-safe. */
public final class InMemoryNearReplica<K, E> implements NearReplica<K, E> {
    private final long maximumWeight;
    private final ToIntBiFunction<? super K, ? super E> weigher;

    @GuardedBy("this")
    private final Map<K, E> entries = new LinkedHashMap<>();

    @GuardedBy("this")
    private long weight;

    private InMemoryNearReplica(long maximumWeight, ToIntBiFunction<? super K, ? super E> weigher) {
        if (maximumWeight <= 0) {
            throw new Invalid("near replica of " + maximumWeight + "; at least 1 is needed");
        }
        this.maximumWeight = maximumWeight;
        this.weigher = weigher;
    }

    /** A factory of such replicas. */
    public static NearReplicaFactory factory() {
        return new NearReplicaFactory() {
            @Override
            public <K, E> NearReplica<K, E> ofSize(long maximumSize) {
                return new InMemoryNearReplica<>(maximumSize, (key, entry) -> 1);
            }

            @Override
            public <K, E> NearReplica<K, E> ofWeight(
                    long maximumWeight, ToIntBiFunction<? super K, ? super E> weigher) {
                return new InMemoryNearReplica<>(maximumWeight, weigher);
            }
        };
    }

    @Override
    public synchronized @Nullable E get(K key) {
        return entries.get(key);
    }

    @Override
    public synchronized void compute(K key, BiFunction<? super K, ? super @Nullable E, ? extends @Nullable E> change) {
        E before = entries.get(key);
        E after = change.apply(key, before);
        if (before != null) {
            weight -= weightOf(key, before);
            entries.remove(key);
        }
        if (after != null) {
            entries.put(key, after);
            weight += weightOf(key, after);
        }
        while (weight > maximumWeight) {
            Map.Entry<K, E> oldest = entries.entrySet().iterator().next();
            weight -= weightOf(oldest.getKey(), oldest.getValue());
            entries.remove(oldest.getKey());
        }
    }

    @Override
    public synchronized void remove(K key, E entry) {
        if (entries.remove(key, entry)) {
            weight -= weightOf(key, entry);
        }
    }

    @Override
    public synchronized void clear() {
        entries.clear();
        weight = 0;
    }

    @Override
    public synchronized long size() {
        return entries.size();
    }

    private int weightOf(K key, E entry) {
        return Math.max(1, weigher.applyAsInt(key, entry));
    }
}
