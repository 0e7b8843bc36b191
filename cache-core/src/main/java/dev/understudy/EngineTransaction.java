package dev.understudy;

import dev.understudy.engine.CacheEngine;
import dev.understudy.engine.Mutation;
import dev.understudy.engine.Mutation.Verb;
import dev.understudy.engine.Participant;
import dev.understudy.model.Invalid;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A running transaction with its participants. Confined to the thread that runs it. */
final class EngineTransaction implements Transaction {
    private final Runner runner;
    private final Set<CacheEngine<?, ?>> known;
    private final Duration timeout;
    private final Map<CacheEngine<?, ?>, Participant<?, ?>> participants = new LinkedHashMap<>();
    private boolean isLent;
    private boolean isHandedOver;

    EngineTransaction(Runner runner, Set<CacheEngine<?, ?>> known, Duration timeout) {
        this.runner = runner;
        this.known = known;
        this.timeout = timeout;
    }

    /** Runs work on the transaction's connection. */
    interface Runner {
        <T> T run(Primary.Work<T> work);
    }

    /** Runs it as it is; a checked failure travels to the primary's adapter, which classifies it. */
    static Runner on(PrimaryConnection connection) {
        return new Runner() {
            @Override
            public <T> T run(Primary.Work<T> work) {
                try {
                    return work.on(connection);
                } catch (RuntimeException e) {
                    throw e;
                } catch (Exception e) {
                    throw EngineTransaction.<RuntimeException>unchecked(e);
                }
            }
        };
    }

    @Override
    public <K, V> TransactionRepository<K, V> on(CachedRepository<K, V> repository) {
        CacheEngine<K, V> engine = engineOf(repository);
        return new Part<>(engine, participant(engine, repository));
    }

    @Override
    public <K, V> void changed(CachedRepository<K, V> repository, Collection<K> keys) {
        Participant<K, V> participant = participant(engineOf(repository), repository);
        runner.run(connection -> {
            participant.changed(connection, keys);
            return true;
        });
    }

    @Override
    public void changedAll(CachedRepository<?, ?> repository) {
        allChanged(repository);
    }

    private <K, V> void allChanged(CachedRepository<K, V> repository) {
        Participant<K, V> participant = participant(engineOf(repository), repository);
        runner.run(connection -> {
            participant.changedAll(connection);
            return true;
        });
    }

    @Override
    public <T> T unwrap(Class<T> connectionType) {
        isLent = true;
        return runner.run(connection -> connection.unwrap(connectionType));
    }

    /** The caller has SQL of his own, and may have rolled back to a savepoint. */
    void lent() {
        isLent = true;
    }

    void beforeCommit() {
        for (Participant<?, ?> participant : participants.values()) {
            runner.run(connection -> {
                participant.beforeCommit(connection, isLent);
                return true;
            });
        }
        isHandedOver = true;
    }

    /** Whether the work is done, so that a failure leaves open whether the transaction has committed. */
    boolean isHandedOver() {
        return isHandedOver;
    }

    /** Tells every participant; a failure of one keeps none of the others from being told. */
    void committed() {
        tellEach(Participant::committed);
    }

    void rolledBack() {
        tellEach(Participant::rolledBack);
    }

    void unknown() {
        tellEach(Participant::unknown);
    }

    private void tellEach(Consumer<Participant<?, ?>> outcome) {
        RuntimeException first = null;
        for (Participant<?, ?> participant : participants.values()) {
            try {
                outcome.accept(participant);
            } catch (RuntimeException e) {
                first = first == null ? e : first;
            }
        }
        if (first != null) {
            throw first;
        }
    }

    private <K, V> CacheEngine<K, V> engineOf(CachedRepository<K, V> repository) {
        if (repository instanceof EngineRepository<K, V> own && known.contains(own.engine())) {
            return own.engine();
        }
        throw new Invalid("the repository does not belong to this Understudy");
    }

    @SuppressWarnings("unchecked") // a participant is put under its own engine only
    private <K, V> Participant<K, V> participant(CacheEngine<K, V> engine, CachedRepository<K, V> view) {
        Participant<K, V> participant =
                (Participant<K, V>) participants.computeIfAbsent(engine, e -> engine.participant(timeout));
        if (view instanceof EngineRepository<K, V> own) {
            own.session().ifPresent(participant::remember);
        }
        return participant;
    }

    @SuppressWarnings("unchecked") // the cast is erased: the exception is thrown as it is
    private static <E extends Exception> E unchecked(Exception e) throws E {
        throw (E) e;
    }

    private final class Part<K, V> implements TransactionRepository<K, V> {
        private final CacheEngine<K, V> engine;
        private final Participant<K, V> participant;

        Part(CacheEngine<K, V> engine, Participant<K, V> participant) {
            this.engine = engine;
            this.participant = participant;
        }

        @Override
        public Optional<V> find(K key) {
            return Optional.ofNullable(findAll(List.of(key)).get(key));
        }

        @Override
        public Map<K, V> findAll(Collection<K> keys) {
            return runner.run(connection -> participant.find(connection, keys));
        }

        @Override
        public V insert(V value) {
            return one(value, Verb.INSERT);
        }

        @Override
        public V save(V value) {
            return one(value, Verb.SAVE);
        }

        @Override
        public Map<K, V> saveAll(Collection<V> values) {
            List<Mutation<K, V>> mutations = new ArrayList<>();
            for (V value : values) {
                mutations.add(mutation(engine.keyOf(value), value, Verb.SAVE));
            }
            return runner.run(connection -> participant.write(connection, mutations));
        }

        @Override
        public V update(K key, UnaryOperator<V> change) {
            return runner.run(connection -> participant.update(connection, key, change));
        }

        @Override
        public void delete(K key) {
            deleteAll(List.of(key));
        }

        @Override
        public void deleteAll(Collection<K> keys) {
            List<Mutation<K, V>> mutations = new ArrayList<>();
            for (K key : keys) {
                mutations.add(mutation(key, null, Verb.DELETE));
            }
            runner.run(connection -> participant.write(connection, mutations));
        }

        private V one(V value, Verb verb) {
            K key = engine.keyOf(value);
            Map<K, V> stored =
                    runner.run(connection -> participant.write(connection, List.of(mutation(key, value, verb))));
            return EngineRepository.present(stored.get(key), "the stored value");
        }

        private Mutation<K, V> mutation(K key, @Nullable V value, Verb verb) {
            return new Mutation<>(key, Optional.ofNullable(value), verb, Optional.empty());
        }
    }
}
