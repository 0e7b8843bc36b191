package dev.understudy;

import dev.understudy.engine.CacheEngine;
import dev.understudy.engine.CacheEngine.LateWrites;
import dev.understudy.engine.ClockSkew;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Unavailable;
import dev.understudy.spi.Clock;
import dev.understudy.spi.Codec;
import dev.understudy.spi.NearReplicaFactory;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.SharedReplica;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArraySet;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One instance of the library: owns the replicas, the drains and the threads. One per application. Thread-safe.
 *
 * <pre>{@code
 * try (Understudy understudy = Understudy.builder()
 *         .namespace("shop")
 *         .shared(Redis.at("redis://localhost"))
 *         .primary(PostgresPrimary.on(dataSource))
 *         .build()) {
 *     CachedRepository<Long, Product> products =
 *             understudy.repository(PostgresTable.of(Product.class, "product").key(Product::id)).build();
 * }
 * }</pre>
 */
public final class Understudy implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Understudy.class);
    private static final Duration CLOSE_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration RECOVER_EVERY = Duration.ofMillis(500);
    private static final Duration DELIVER_EVERY = Duration.ofSeconds(1);
    private static final Duration LATE_EVERY = Duration.ofMillis(200);
    private static final Duration COMPARE_CLOCKS_EVERY = Duration.ofSeconds(30);

    private final CacheEngine.Instance instance;
    private final AsyncPool pool;
    private final ScheduledExecutorService upkeep;
    /** Pulls wait for nothing that waits for the primary. */
    private final ScheduledExecutorService pulls;

    private final ClockSkew skew;
    private final Set<CacheEngine<?, ?>> engines = new CopyOnWriteArraySet<>();
    private final AtomicBoolean closed = new AtomicBoolean();

    private Understudy(CacheEngine.Instance instance, int asyncThreads) {
        this.instance = instance;
        this.pool = new AsyncPool(instance.namespace(), asyncThreads);
        this.upkeep = daemons("understudy-upkeep-" + instance.namespace());
        this.pulls = daemons("understudy-pulls-" + instance.namespace());
        this.skew = new ClockSkew(instance.replica(), instance.primary(), instance.clock());
        skew.measure();
        every(upkeep, LATE_EVERY, () -> instance.late().retry(instance.clock(), LATE_EVERY));
        every(upkeep, COMPARE_CLOCKS_EVERY, skew::measure);
    }

    private static ScheduledExecutorService daemons(String name) {
        return Executors.newScheduledThreadPool(2, task -> {
            Thread thread = new Thread(task, name);
            thread.setDaemon(true);
            return thread;
        });
    }

    /** Settings of an instance. */
    public static Builder builder() {
        return new Builder();
    }

    /** Settings of a repository over the store's rows. */
    public <K, V> RepositoryBuilder<K, V> repository(PrimaryStore<K, V> store) {
        return new RepositoryBuilder<>(EngineRepository.present(store, "store"), this::add);
    }

    private <K, V> CachedRepository<K, V> add(RepositoryBuilder<K, V> builder) {
        if (closed.get()) {
            throw new Invalid("this Understudy is closed");
        }
        String name = builder.store().name();
        if (engines.stream().anyMatch(engine -> engine.name().equals(name))) {
            throw new Invalid("there is a repository of the name " + name + " already");
        }
        CacheEngine<K, V> engine = new CacheEngine<>(instance, builder.store(), builder.settings(), pool.executor());
        engine.start();
        engines.add(engine);
        every(pulls, engine.confirmEvery(), engine::confirm);
        every(upkeep, RECOVER_EVERY, engine::recover);
        every(upkeep, DELIVER_EVERY, engine::deliverMissed);
        return new EngineRepository<>(engine, pool, null);
    }

    /**
     * Has repositories whose tables refer to each other drain together: what is pending in them goes to the primary in one transaction,
     * inserts and updates parents first, then deletes, children first. Each repository is in one group at most; to be called alike in
     * all instances, right after the repositories are built. Rows whose shards different instances drain are not in one transaction; the
     * one whose foreign key does not hold yet waits ({@code parentWait}). Pausing one member's drain pauses the group in this instance.
     *
     * @param parentsFirst two repositories of this instance or more, those that others refer to in front of these
     * @throws Invalid if one is not this instance's, allows no write-back or is in a group
     */
    public void group(CachedRepository<?, ?>... parentsFirst) {
        if (parentsFirst.length < 2) {
            throw new Invalid("a group needs two repositories, not " + parentsFirst.length);
        }
        List<CacheEngine<?, ?>> members = new ArrayList<>();
        for (CachedRepository<?, ?> one : parentsFirst) {
            if (!(one instanceof EngineRepository<?, ?> repository && engines.contains(repository.engine()))) {
                throw new Invalid("a repository of a group is not of this instance");
            }
            members.add(repository.engine());
        }
        CacheEngine.group(members);
    }

    private static void every(ScheduledExecutorService executor, Duration period, Runnable task) {
        long nanos = period.toNanos();
        executor.scheduleWithFixedDelay(
                () -> {
                    try {
                        task.run();
                    } catch (RuntimeException e) {
                        // Upkeep goes on; what it could not confirm is not served as fresh.
                        LOG.warn(
                                "upkeep failed and is retried: {}", e.getClass().getName());
                    }
                },
                nanos,
                nanos,
                TimeUnit.NANOSECONDS);
    }

    /**
     * Runs the work in one transaction at the primary and tells the replicas what it changed, after it has committed. An exception of the
     * work rolls back and passes through.
     *
     * @param timeout of everything together; at most the repositories' {@code shared.marker}
     */
    public <T extends @Nullable Object> T inTransaction(Duration timeout, Transaction.Work<T> work) {
        AtomicReference<@Nullable EngineTransaction> running = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
        T result;
        try {
            result = instance.primary().call(Primary.Use.COMMIT, timeout, connection -> {
                EngineTransaction transaction =
                        new EngineTransaction(EngineTransaction.on(connection), engines, timeout);
                running.set(transaction);
                T answer = attempt(work, transaction, thrown);
                transaction.beforeCommit();
                return answer;
            });
        } catch (Throwable e) {
            // Whatever it is, checked exceptions and errors of the work too: the markers are taken back, or left to
            // expire.
            throw ended(running.get(), e, thrown.get());
        }
        EngineTransaction transaction = running.get();
        if (transaction != null) {
            transaction.committed();
        }
        return result;
    }

    /** Tells the participants that the transaction has failed; answers what the caller is to be told. */
    private static RuntimeException ended(
            @Nullable EngineTransaction transaction, Throwable failure, @Nullable Throwable own) {
        boolean isHandedOver = transaction != null && transaction.isHandedOver();
        boolean isUnknown =
                failure instanceof PrimaryFailure primary ? primary.outcome() == Outcome.UNKNOWN : isHandedOver;
        if (transaction != null && isUnknown) {
            transaction.unknown();
        } else if (transaction != null) {
            transaction.rolledBack();
        }
        if (own == null && failure instanceof PrimaryFailure primary) {
            return CacheEngine.translated(primary);
        }
        throw Understudy.<RuntimeException>asIs(own == null ? failure : own);
    }

    @SuppressWarnings("unchecked") // the cast is erased: what the work threw passes as it is
    private static <E extends Throwable> E asIs(Throwable e) throws E {
        throw (E) e;
    }

    /** Runs the work; an unchecked exception of its own is noted, as the primary's adapter may take it for the primary's. */
    private static <T extends @Nullable Object> T attempt(
            Transaction.Work<T> work, EngineTransaction transaction, AtomicReference<@Nullable Throwable> thrown)
            throws Exception {
        try {
            return work.in(transaction);
        } catch (PrimaryFailure e) {
            throw e;
        } catch (RuntimeException | Error e) {
            thrown.set(e);
            throw e;
        }
    }

    /** The same within 5 seconds. */
    public <T extends @Nullable Object> T inTransaction(Transaction.Work<T> work) {
        return inTransaction(Duration.ofSeconds(5), work);
    }

    /**
     * Takes part in a transaction that somebody else manages.
     *
     * @param connection such as a {@code java.sql.Connection}, inside a transaction; it stays the caller's
     * @param timeout of everything together; at most the repositories' {@code shared.marker}
     * @throws Invalid if the primary's adapter does not know such a connection
     */
    public Participation participate(Object connection, Duration timeout) {
        return new EngineParticipation(
                instance.primary(), EngineRepository.present(connection, "connection"), engines, timeout);
    }

    /** The same within 5 seconds. */
    public Participation participate(Object connection) {
        return participate(connection, Duration.ofSeconds(5));
    }

    /**
     * How far the primary's clock is ahead of the shared replica's, negative if it is behind, give or take half of the time that both took to
     * answer (less than a second). Measured at {@link Builder#build} and every 30 s; a warning is logged when it is more than 100 ms for
     * certain. Empty until both servers have answered.
     */
    public Optional<Duration> clockSkew() {
        return skew.last();
    }

    /** The identity of this start of this instance, as in the primary's leases. */
    public String owner() {
        return instance.owner();
    }

    /** Closes within 10 seconds. */
    @Override
    public void close() {
        close(CLOSE_TIMEOUT);
    }

    /**
     * Drains what is pending by now in the shards that this instance drains, in all repositories at a time and until the timeout; hands
     * the rest over to other instances; closes the replicas and the primary.
     *
     * @return entries still pending, over all repositories and instances, 0 if it was closed before; empty if it is not known, as the
     *     shared replica is away
     */
    public OptionalLong close(Duration timeout) {
        if (!closed.compareAndSet(false, true)) {
            return OptionalLong.of(0);
        }
        upkeep.shutdownNow();
        pulls.shutdownNow();
        pool.close();
        OptionalLong left = CacheEngine.close(List.copyOf(engines), instance.clock(), timeout);
        instance.replica().close();
        instance.primary().close();
        return left;
    }

    /** Settings of an instance. Not thread-safe. */
    public static final class Builder {
        private final Setting<Integer> asyncThreads = new Setting<>("asyncThreads", 16, 1, 1_000);
        private @Nullable String namespace;
        private @Nullable Supplier<SharedReplica> shared;
        private @Nullable Supplier<Primary> primary;
        private @Nullable NearReplicaFactory near;
        private @Nullable Codec codec;
        private Clock clock = Clock.SYSTEM;

        private Builder() {}

        /** The application, in front of every key in the shared replica; {@code [a-z][a-z0-9_-]*}, at most 63 characters. */
        public Builder namespace(String name) {
            if (!name.matches("[a-z][a-z0-9_-]{0,62}")) {
                throw new Invalid("namespace " + name + " is not [a-z][a-z0-9_-]*, at most 63 characters");
            }
            namespace = once("namespace", namespace, name);
            return this;
        }

        /** The shared replica; opened by {@link #build}, closed with the instance. */
        public Builder shared(Supplier<SharedReplica> replica) {
            shared = once("shared", shared, replica);
            return this;
        }

        /** The primary; opened by {@link #build}, closed with the instance. A DataSource that was given to it stays open. */
        public Builder primary(Supplier<Primary> server) {
            primary = once("primary", primary, server);
            return this;
        }

        /** Makes near replicas; default the one on the class path. */
        public Builder near(NearReplicaFactory factory) {
            near = once("near", near, factory);
            return this;
        }

        /** Encodes values; default the one on the class path. */
        public Builder codec(Codec encoder) {
            codec = once("codec", codec, encoder);
            return this;
        }

        /** Threads behind the asynchronous faces; 1 to 1000, default 16. */
        public Builder asyncThreads(int threads) {
            asyncThreads.set(threads);
            return this;
        }

        /** The time; for tests. */
        public Builder clock(Clock source) {
            clock = EngineRepository.present(source, "clock");
            return this;
        }

        /**
         * Connects and verifies.
         *
         * @throws Invalid if something is missing or wrong, naming it
         * @throws Unavailable if a server cannot be reached
         */
        public Understudy build() {
            String name = required("namespace", namespace);
            Supplier<SharedReplica> replicas = required("shared", shared);
            Supplier<Primary> primaries = required("primary", primary);
            NearReplicaFactory nears = near == null ? found(NearReplicaFactory.class, "near") : near;
            Codec encoder = codec == null ? found(Codec.class, "codec") : codec;
            Primary server = primaries.get();
            SharedReplica replica = null;
            try {
                server.verify();
                replica = replicas.get();
                String owner = UUID.randomUUID().toString();
                return new Understudy(
                        new CacheEngine.Instance(name, owner, replica, server, nears, encoder, clock, new LateWrites()),
                        asyncThreads.get());
            } catch (PrimaryFailure e) {
                throw CacheEngine.translated(e);
            } finally {
                if (replica == null) {
                    server.close();
                }
            }
        }

        private static <T> T once(String name, @Nullable T before, @Nullable T value) {
            if (before != null) {
                throw new Invalid(name + " is set twice");
            }
            return EngineRepository.present(value, name);
        }

        private static <T> T required(String name, @Nullable T value) {
            if (value == null) {
                throw new Invalid(name + " is missing");
            }
            return value;
        }

        private static <T> T found(Class<T> type, String name) {
            List<T> all = ServiceLoader.load(type).stream()
                    .map(ServiceLoader.Provider::get)
                    .toList();
            if (all.size() != 1) {
                throw new Invalid(name + " is not set, and the class path has " + all.size() + " of "
                        + type.getSimpleName() + " instead of one");
            }
            return all.get(0);
        }
    }
}
