package dev.understudy.demo;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.model.Versioning;
import java.time.Duration;
import java.util.function.Consumer;

/** One running copy of the library with its own connections, as an application server would have it. Thread-safe. */
final class Instance implements AutoCloseable {
    /** Staleness bound of every instance of the demo. */
    static final Duration MAX_STALENESS = Duration.ofSeconds(2);
    /** Connections of each instance, and of the plain JDBC that it is compared with. */
    static final int CONNECTIONS = 16;

    private static final Duration LEASE = Duration.ofSeconds(5);

    private final HikariDataSource pool;
    private final Understudy understudy;
    private final CachedRepository<Long, Product> products;

    private Instance(HikariDataSource pool, Understudy understudy, CachedRepository<Long, Product> products) {
        this.pool = pool;
        this.understudy = understudy;
        this.products = products;
    }

    /** The table's mapping. */
    static PostgresTable<Long, Product> table() {
        return PostgresTable.of(Product.class, "product").key(Product::id).versioning(Versioning.column("us_version"));
    }

    /**
     * Connects.
     *
     * @param nearSize entries of the near replica; 0: none
     * @param drains whether this instance drains
     */
    static Instance open(Address address, long nearSize, boolean drains) {
        return open(
                address,
                builder -> builder.near(near -> near.maximumSize(nearSize).maxStaleness(MAX_STALENESS))
                        .allowWriteBack(back -> {
                            back.lease(LEASE);
                            if (!drains) {
                                back.neverDrains();
                            }
                        }));
    }

    private static Instance open(Address address, Consumer<RepositoryBuilder<Long, Product>> settings) {
        HikariDataSource pool = pool(address, CONNECTIONS);
        Understudy understudy = null;
        try {
            understudy = Understudy.builder()
                    .namespace(address.namespace())
                    .shared(Redis.at(address.redisUri()))
                    .primary(PostgresPrimary.on(pool))
                    .build();
            RepositoryBuilder<Long, Product> builder = understudy.repository(new HeldStore<>(table()));
            settings.accept(builder);
            return new Instance(pool, understudy, builder.build());
        } catch (RuntimeException e) {
            if (understudy != null) {
                understudy.close(Duration.ZERO);
            }
            pool.close();
            throw e;
        }
    }

    /** A pool of connections to the primary that see the demo's schema. */
    static HikariDataSource pool(Address address, int connections) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(address.jdbcUrl());
        address.user().ifPresent(config::setUsername);
        address.password().ifPresent(config::setPassword);
        config.setSchema(address.schema());
        config.setMaximumPoolSize(connections);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(5_000);
        return new HikariDataSource(config);
    }

    CachedRepository<Long, Product> products() {
        return products;
    }

    @Override
    public void close() {
        understudy.close();
        pool.close();
    }
}
