package dev.understudy.adapters.caffeine;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.understudy.model.Invalid;
import dev.understudy.spi.NearReplica;
import dev.understudy.spi.NearReplicaFactory;
import java.util.concurrent.ConcurrentMap;
import java.util.function.BiFunction;
import java.util.function.ToIntBiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Near replicas on Caffeine (W-TinyLFU eviction). Immutable; the replicas are thread-safe.
 *
 * <p>There is no expiry: the engine checks the age of each entry when it reads. Eviction runs in the common pool, so that
 * neither readers nor writers pay for it and no thread is left behind; until it has run, a replica may hold a few entries
 * more than its maximum.
 */
public final class CaffeineNear implements NearReplicaFactory {
    /** A factory; {@link java.util.ServiceLoader} calls this too. */
    public CaffeineNear() {}

    /**
     * {@inheritDoc}
     *
     * @throws Invalid if the size is not positive
     */
    @Override
    public <K, E> NearReplica<K, E> ofSize(long maximumSize) {
        if (maximumSize <= 0) {
            throw new Invalid("near replica of " + maximumSize + " entries; at least 1 is needed");
        }
        return new Replica<>(Caffeine.newBuilder().maximumSize(maximumSize).build());
    }

    /**
     * {@inheritDoc}
     *
     * @throws Invalid if the weight is not positive
     */
    @Override
    public <K, E> NearReplica<K, E> ofWeight(long maximumWeight, ToIntBiFunction<? super K, ? super E> weigher) {
        if (maximumWeight <= 0) {
            throw new Invalid("near replica of weight " + maximumWeight + "; at least 1 is needed");
        }
        return new Replica<>(Caffeine.newBuilder()
                .maximumWeight(maximumWeight)
                .<K, E>weigher((key, entry) -> Math.max(1, weigher.applyAsInt(key, entry)))
                .build());
    }

    /** A Caffeine cache as a near replica. Thread-safe. */
    private static final class Replica<K, E> implements NearReplica<K, E> {
        private final Cache<K, E> cache;
        private final ConcurrentMap<K, E> map;

        Replica(Cache<K, E> cache) {
            this.cache = cache;
            this.map = cache.asMap();
        }

        @Override
        public @Nullable E get(K key) {
            return cache.getIfPresent(key);
        }

        @Override
        public void compute(K key, BiFunction<? super K, ? super @Nullable E, ? extends @Nullable E> change) {
            map.compute(key, change);
        }

        @Override
        public void remove(K key, E entry) {
            map.remove(key, entry);
        }

        @Override
        public void clear() {
            cache.invalidateAll();
        }

        @Override
        public long size() {
            return cache.estimatedSize();
        }
    }
}
