package dev.understudy.scenarios;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.servers.SwitchingDataSource;
import dev.understudy.spi.FaultySharedReplica;
import dev.understudy.spi.PrimaryStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.postgresql.ds.PGSimpleDataSource;

/** One running copy of the library, with hooks at its shared replica, its primary and its stores. Thread-safe. */
final class Instance implements AutoCloseable {
    static final int CONNECTIONS = 8;
    /** Whether a transaction pooler is imitated, {@code -Dunderstudy.pooler=true}. */
    private static final boolean POOLER = Boolean.getBoolean("understudy.pooler");

    private final HikariDataSource pool;
    private final List<AutoCloseable> closing = new ArrayList<>();
    private final Statements statements = new Statements();
    private final HookedPrimary primary;
    private final FaultySharedReplica replica;
    private final Understudy understudy;
    private final Function<String, Set<Object>> touched;
    private final Map<String, CachedRepository<?, ?>> repositories = new ConcurrentHashMap<>();
    private final Map<String, HookedStore<?, ?>> stores = new LinkedHashMap<>();

    /**
     * Connects.
     *
     * @param touched the keys that any instance met, by repository
     */
    Instance(String namespace, Redis redis, String jdbcUrl, Function<String, Set<Object>> touched) {
        this(namespace, redis, jdbcUrl, CONNECTIONS, touched, builder -> {});
    }

    /** Connects, with more settings of the instance. */
    Instance(
            String namespace,
            Redis redis,
            String jdbcUrl,
            int connections,
            Function<String, Set<Object>> touched,
            Consumer<Understudy.Builder> more) {
        this.touched = touched;
        PGSimpleDataSource server = new PGSimpleDataSource();
        server.setUrl(jdbcUrl);
        HikariConfig config = new HikariConfig();
        config.setDataSource(statements.watching(server));
        config.setMaximumPoolSize(connections);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(5_000);
        pool = new HikariDataSource(config);
        primary = new HookedPrimary(
                POOLER ? behindAPooler(jdbcUrl) : PostgresPrimary.on(pool).build());
        replica = new FaultySharedReplica(redis.get());
        Understudy.Builder builder =
                Understudy.builder().namespace(namespace).shared(() -> replica).primary(() -> primary);
        more.accept(builder);
        understudy = builder.build();
    }

    /** Each transaction gets another session, of which nothing of the last one's is left. */
    private PostgresPrimary behindAPooler(String jdbcUrl) {
        PGSimpleDataSource server = new PGSimpleDataSource();
        server.setUrl(jdbcUrl);
        server.setPrepareThreshold(0);
        SwitchingDataSource switching = new SwitchingDataSource(statements.watching(server));
        closing.add(switching);
        return PostgresPrimary.on(switching).connections(CONNECTIONS).build();
    }

    /** A repository over a store, which gets hooks. */
    <K, V> CachedRepository<K, V> repository(PrimaryStore<K, V> store, Consumer<RepositoryBuilder<K, V>> settings) {
        @SuppressWarnings("unchecked") // the keys of a repository's name are of its key type
        Set<K> keys = (Set<K>) touched.apply(store.name());
        HookedStore<K, V> hooked = new HookedStore<>(store, keys);
        stores.put(store.name(), hooked);
        RepositoryBuilder<K, V> builder = understudy.repository(hooked);
        settings.accept(builder);
        CachedRepository<K, V> repository = builder.build();
        repositories.put(store.name(), repository);
        return repository;
    }

    Understudy understudy() {
        return understudy;
    }

    /** The hooks of the shared replica. */
    FaultySharedReplica replica() {
        return replica;
    }

    /** The hooks of the transactions. */
    HookedPrimary primary() {
        return primary;
    }

    /** The hooks of the only store. */
    HookedStore<?, ?> store() {
        if (stores.size() != 1) {
            throw new IllegalStateException(stores.size() + " stores");
        }
        return stores.values().iterator().next();
    }

    /** What was sent to Postgres. */
    Statements statements() {
        return statements;
    }

    Map<String, CachedRepository<?, ?>> repositories() {
        return repositories;
    }

    /** Connections that somebody holds. */
    int activeConnections() {
        return pool.getHikariPoolMXBean().getActiveConnections();
    }

    /** Closes within that time; answers how many entries are still pending, if that is known. */
    OptionalLong close(Duration timeout) {
        OptionalLong left = understudy.close(timeout);
        pool.close();
        for (AutoCloseable one : closing) {
            try {
                one.close();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        }
        return left;
    }

    @Override
    public void close() {
        close(Duration.ofSeconds(10));
    }
}
