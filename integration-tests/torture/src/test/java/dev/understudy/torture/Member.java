package dev.understudy.torture;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.engine.Overflow;
import dev.understudy.spi.FaultySharedReplica;
import java.time.Duration;
import java.util.function.Consumer;
import org.postgresql.ds.PGSimpleDataSource;

/** One instance of the library under torture. Thread-safe. */
record Member(HikariDataSource pool, Understudy understudy, CachedRepository<Long, Entry> entries)
        implements AutoCloseable {
    static final String REDIS = "torture.redis";
    static final String JDBC = "torture.jdbc";
    static final Duration LEASE = Duration.ofSeconds(1);
    static final Duration MAX_STALENESS = Duration.ofSeconds(2);

    private static final int SHARDS = 12;
    private static final int CONNECTIONS = 6;

    /** An instance of a worker: what the coordinator's system properties name. */
    static Member open(Crash crash) {
        return open(System.getProperty(REDIS, ""), System.getProperty(JDBC, ""), crash);
    }

    /** An instance that may end its process. */
    static Member open(String redisUri, String jdbcUrl, Crash crash) {
        return open(redisUri, jdbcUrl, crash, back -> {});
    }

    /** An instance with settings of its own. */
    static Member open(String redisUri, String jdbcUrl, Crash crash, Consumer<RepositoryBuilder.Back> settings) {
        PGSimpleDataSource server = new PGSimpleDataSource();
        server.setUrl(jdbcUrl);
        HikariConfig config = new HikariConfig();
        config.setDataSource(server);
        config.setMaximumPoolSize(CONNECTIONS);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(5_000);
        HikariDataSource pool = new HikariDataSource(config);
        CrashPrimary primary = new CrashPrimary(PostgresPrimary.on(pool).build(), crash);
        FaultySharedReplica replica = new FaultySharedReplica(
                Redis.at(redisUri).connectTimeout(Duration.ofSeconds(30)).get());
        Understudy understudy = Understudy.builder()
                .namespace("torture")
                .shared(() -> replica)
                .primary(() -> primary)
                .build();
        CachedRepository<Long, Entry> entries = understudy
                .repository(new CrashStore<>(Entry.table(), primary, SHARDS))
                .shared(shared -> shared.shards(SHARDS))
                .near(near -> near.maxStaleness(MAX_STALENESS))
                .allowWriteBack(back -> {
                    back.lease(LEASE).overflow(Overflow.REJECT);
                    settings.accept(back);
                })
                .timeout(Duration.ofSeconds(10))
                .build();
        crash.watch(replica);
        return new Member(pool, understudy, entries);
    }

    @Override
    public void close() {
        understudy.close(Duration.ofSeconds(10));
        pool.close();
    }
}
