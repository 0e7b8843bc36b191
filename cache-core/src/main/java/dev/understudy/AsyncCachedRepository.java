package dev.understudy;

import dev.understudy.model.Read;
import dev.understudy.model.Versioned;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;

/**
 * The asynchronous face of a {@link CachedRepository}: same code, same promises. Thread-safe.
 *
 * <p>A near hit is complete at once, on the calling thread. Everything else runs on the bounded pool of the {@link Understudy}, whose threads
 * complete the stages; when its queue is full the stage fails with {@link dev.understudy.model.Rejected}.
 */
public interface AsyncCachedRepository<K, V> {
    /** See {@link CachedRepository#find}. */
    CompletionStage<Optional<V>> find(K key);

    /** See {@link CachedRepository#findAll}. */
    CompletionStage<Map<K, V>> findAll(Collection<K> keys);

    /** See {@link CachedRepository#read}. */
    CompletionStage<Versioned<V>> read(K key, Read options);

    /** See {@link CachedRepository#insert}. */
    CompletionStage<WriteReceipt> insert(V value, Write options);

    /** See {@link CachedRepository#save}. */
    CompletionStage<WriteReceipt> save(V value, Write options);

    /** See {@link CachedRepository#saveAll}. */
    CompletionStage<Map<K, WriteReceipt>> saveAll(Collection<V> values, Write options);

    /** See {@link CachedRepository#update}. */
    CompletionStage<WriteReceipt> update(K key, UnaryOperator<V> change, Write options);

    /** See {@link CachedRepository#delete}. */
    CompletionStage<WriteReceipt> delete(K key, Write options);

    /** See {@link CachedRepository#deleteAll}. */
    CompletionStage<Map<K, WriteReceipt>> deleteAll(Collection<K> keys, Write options);
}
