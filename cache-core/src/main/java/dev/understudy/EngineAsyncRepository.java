package dev.understudy;

import dev.understudy.engine.CacheEngine;
import dev.understudy.model.Read;
import dev.understudy.model.Versioned;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The repository's calls on the bounded pool. Thread-safe. */
final class EngineAsyncRepository<K, V> implements AsyncCachedRepository<K, V> {
    private final CachedRepository<K, V> repository;
    private final @Nullable CacheEngine<K, V> engine;
    private final AsyncPool pool;

    EngineAsyncRepository(CachedRepository<K, V> repository, @Nullable CacheEngine<K, V> engine, AsyncPool pool) {
        this.repository = repository;
        this.engine = engine;
        this.pool = pool;
    }

    @Override
    public CompletionStage<Optional<V>> find(K key) {
        Optional<V> near = engine == null ? null : engine.reads().findNear(key);
        return near != null ? CompletableFuture.completedFuture(near) : pool.submit(() -> repository.find(key));
    }

    @Override
    public CompletionStage<Map<K, V>> findAll(Collection<K> keys) {
        return pool.submit(() -> repository.findAll(keys));
    }

    @Override
    public CompletionStage<Versioned<V>> read(K key, Read options) {
        return pool.submit(() -> repository.read(key, options));
    }

    @Override
    public CompletionStage<WriteReceipt> insert(V value, Write options) {
        return pool.submit(() -> repository.insert(value, options));
    }

    @Override
    public CompletionStage<WriteReceipt> save(V value, Write options) {
        return pool.submit(() -> repository.save(value, options));
    }

    @Override
    public CompletionStage<Map<K, WriteReceipt>> saveAll(Collection<V> values, Write options) {
        return pool.submit(() -> repository.saveAll(values, options));
    }

    @Override
    public CompletionStage<WriteReceipt> update(K key, UnaryOperator<V> change, Write options) {
        return pool.submit(() -> repository.update(key, change, options));
    }

    @Override
    public CompletionStage<WriteReceipt> delete(K key, Write options) {
        return pool.submit(() -> repository.delete(key, options));
    }

    @Override
    public CompletionStage<Map<K, WriteReceipt>> deleteAll(Collection<K> keys, Write options) {
        return pool.submit(() -> repository.deleteAll(keys, options));
    }
}
