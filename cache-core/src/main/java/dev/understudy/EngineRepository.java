package dev.understudy;

import dev.understudy.engine.CacheEngine;
import dev.understudy.engine.Counters;
import dev.understudy.engine.Mutation;
import dev.understudy.engine.Mutation.Verb;
import dev.understudy.engine.SessionState;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.Invalid;
import dev.understudy.model.Lag;
import dev.understudy.model.NearStatus;
import dev.understudy.model.Read;
import dev.understudy.model.Versioned;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** The repository over the engine: turns calls into mutations and picks single answers. Thread-safe. */
final class EngineRepository<K, V> implements CachedRepository<K, V> {
    private final CacheEngine<K, V> engine;
    private final AsyncPool pool;
    private final @Nullable SessionState session;
    private final AsyncCachedRepository<K, V> async;

    EngineRepository(CacheEngine<K, V> engine, AsyncPool pool, @Nullable SessionState session) {
        this.engine = engine;
        this.pool = pool;
        this.session = session;
        this.async = new EngineAsyncRepository<>(this, session == null ? engine : null, pool);
    }

    CacheEngine<K, V> engine() {
        return engine;
    }

    /** The session that this view is for. */
    Optional<SessionState> session() {
        return Optional.ofNullable(session);
    }

    @Override
    public Optional<V> find(K key) {
        return session == null
                ? engine.reads().find(key)
                : read(key, Read.defaults()).value();
    }

    @Override
    public Map<K, V> findAll(Collection<K> keys) {
        Map<K, V> rows = new LinkedHashMap<>();
        Map<K, Versioned<V>> answers = engine.reads().read(present(keys, "keys"), Read.defaults(), session);
        for (K key : keys) {
            only(answers, key).value().ifPresent(value -> rows.put(key, value));
        }
        return rows;
    }

    @Override
    public Versioned<V> read(K key, Read options) {
        return only(engine.reads().read(List.of(present(key, "key")), present(options, "options"), session), key);
    }

    @Override
    public Map<K, Versioned<V>> readAll(Collection<K> keys, Read options) {
        return engine.reads().read(present(keys, "keys"), present(options, "options"), session);
    }

    @Override
    public WriteReceipt insert(V value, Write options) {
        return writeOne(Verb.INSERT, value, options);
    }

    @Override
    public Map<K, WriteReceipt> insertAll(Collection<V> values, Write options) {
        return writeAll(Verb.INSERT, values, options);
    }

    @Override
    public WriteReceipt save(V value, Write options) {
        return writeOne(Verb.SAVE, value, options);
    }

    @Override
    public Map<K, WriteReceipt> saveAll(Collection<V> values, Write options) {
        return writeAll(Verb.SAVE, values, options);
    }

    @Override
    public WriteReceipt update(K key, UnaryOperator<V> change, Write options) {
        return engine.update(present(key, "key"), present(change, "change"), present(options, "options"), session);
    }

    @Override
    public Map<K, WriteReceipt> updateAll(Collection<V> values, Write options) {
        return writeAll(Verb.UPDATE, values, options);
    }

    @Override
    public WriteReceipt delete(K key, Write options) {
        return only(deleteAll(List.of(present(key, "key")), options), key);
    }

    @Override
    public Map<K, WriteReceipt> deleteAll(Collection<K> keys, Write options) {
        List<Mutation<K, V>> mutations = new ArrayList<>();
        for (K key : present(keys, "keys")) {
            mutations.add(new Mutation<>(
                    present(key, "key"),
                    Optional.empty(),
                    Verb.DELETE,
                    present(options, "options").ifVersion()));
        }
        requireOneIfConditional(mutations.size(), options);
        return engine.write(mutations, options, session);
    }

    @Override
    public void invalidate(Collection<K> keys) {
        engine.invalidate(present(keys, "keys"));
    }

    @Override
    public Lag lag() {
        return engine.status().lag();
    }

    @Override
    public WriteBackStatus writeBackStatus() {
        return engine.status();
    }

    @Override
    public long drain(Duration timeout) {
        return engine.drain(timeout);
    }

    @Override
    public List<DeadLetter<K, V>> deadLetters(int limit) {
        return engine.deadLetters(limit);
    }

    @Override
    public WriteReceipt retry(DeadLetter<K, V> letter) {
        return engine.retry(present(letter, "letter"));
    }

    @Override
    public boolean discard(DeadLetter<K, V> letter) {
        return engine.discard(present(letter, "letter"));
    }

    @Override
    public void pauseDrain() {
        engine.pauseDrain();
    }

    @Override
    public void resumeDrain() {
        engine.resumeDrain();
    }

    @Override
    public NearStatus nearStatus() {
        return engine.nearStatus();
    }

    @Override
    public Counters counters() {
        return engine.counters();
    }

    @Override
    public CachedRepository<K, V> in(Session of) {
        return new EngineRepository<>(engine, pool, present(of, "session").state());
    }

    @Override
    public AsyncCachedRepository<K, V> async() {
        return async;
    }

    private WriteReceipt writeOne(Verb verb, V value, Write options) {
        return only(writeAll(verb, List.of(present(value, "value")), options), engine.keyOf(value));
    }

    private Map<K, WriteReceipt> writeAll(Verb verb, Collection<V> values, Write options) {
        List<Mutation<K, V>> mutations = new ArrayList<>();
        for (V value : present(values, "values")) {
            mutations.add(new Mutation<>(
                    engine.keyOf(value),
                    Optional.of(value),
                    verb,
                    present(options, "options").ifVersion()));
        }
        requireOneIfConditional(mutations.size(), options);
        return engine.write(mutations, options, session);
    }

    private static void requireOneIfConditional(int rows, Write options) {
        if (rows > 1 && options.ifVersion().isPresent()) {
            throw new Invalid("ifVersion goes with one row, not with " + rows);
        }
    }

    static <T> T present(@Nullable T argument, String name) {
        if (argument == null) {
            throw new Invalid(name + " is null");
        }
        return argument;
    }

    private static <K, R> R only(Map<K, R> answers, K key) {
        R answer = answers.get(key);
        if (answer == null) {
            throw new IllegalStateException("a key was left without an answer");
        }
        return answer;
    }
}
