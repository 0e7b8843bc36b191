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
import java.util.EnumMap;
import java.util.Map;
import org.postgresql.ds.PGSimpleDataSource;

/** One instance of the library with a repository of each kind. Thread-safe. */
record Instance(HikariDataSource pool, Understudy understudy, Map<Rows, CachedRepository<Long, Entry>> repositories)
        implements AutoCloseable {
    static final String NAMESPACE = "torture";
    static final Duration MAX_STALENESS = Duration.ofSeconds(2);
    static final Duration TIMEOUT = Duration.ofSeconds(3);

    static final Duration MARKER = Duration.ofSeconds(6);
    /** The longest that a near replica serves what nobody told it about: a write whose writer died after its commit. */
    static final Duration NEAR_LIFE = Duration.ofSeconds(5);

    private static final int SHARDS = 8;
    private static final Duration LEASE = Duration.ofSeconds(1);

    private static final int BATCH = 1_000;
    private static final int SMALL_BATCH = 15;
    /** Of the copies of one table, so that they expire under load. */
    private static final Duration LIFE = Duration.ofMillis(1_500);

    private static final Duration START = Duration.ofSeconds(30);

    /** An instance that its crash may end with its process. */
    static Instance open(String namespace, String redisUri, String jdbcUrl, int connections, Crash crash) {
        PGSimpleDataSource server = new PGSimpleDataSource();
        server.setUrl(jdbcUrl);
        HikariConfig config = new HikariConfig();
        config.setDataSource(server);
        config.setMaximumPoolSize(connections);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(TIMEOUT.toMillis());
        config.setInitializationFailTimeout(START.toMillis());
        HikariDataSource pool = new HikariDataSource(config);
        CrashPrimary primary = new CrashPrimary(PostgresPrimary.on(pool).build(), crash);
        FaultySharedReplica replica = new FaultySharedReplica(
                new SeededReplica(Redis.at(redisUri).connectTimeout(START).get(), Seeded.ofThisProcess()));
        Understudy understudy = Understudy.builder()
                .namespace(namespace)
                .shared(() -> replica)
                .primary(() -> primary)
                .build();
        Map<Rows, CachedRepository<Long, Entry>> repositories = new EnumMap<>(Rows.class);
        for (Rows rows : Rows.values()) {
            RepositoryBuilder<Long, Entry> builder = understudy
                    .repository(new CrashStore<>(rows.mapping(), primary, SHARDS))
                    .shared(shared -> shared.shards(SHARDS).marker(MARKER))
                    .near(near ->
                            near.maxStaleness(MAX_STALENESS).timeToLive(rows == Rows.TRIGGERED ? LIFE : NEAR_LIFE))
                    .timeout(TIMEOUT);
            if (rows == Rows.TRIGGERED) {
                builder.shared(shared -> shared.timeToLive(LIFE));
            }
            if (rows.allowsWriteBack()) {
                // In one of them a round of the drain has several transactions.
                int batch = rows == Rows.TRIGGERED ? SMALL_BATCH : BATCH;
                builder.allowWriteBack(
                        back -> back.lease(LEASE).overflow(Overflow.REJECT).batch(batch));
            }
            repositories.put(rows, builder.build());
        }
        crash.watch(replica);
        return new Instance(pool, understudy, repositories);
    }

    /** Pulls of positions of that repository that has had the fewest. */
    long pulls() {
        return repositories.values().stream()
                .mapToLong(one ->
                        one.counters().pulls.sum() - one.counters().failedPulls.sum())
                .min()
                .orElse(0);
    }

    long nearHits() {
        return repositories.values().stream()
                .mapToLong(one -> one.counters().nearHits.sum())
                .sum();
    }

    CachedRepository<Long, Entry> on(Rows rows) {
        CachedRepository<Long, Entry> repository = repositories.get(rows);
        if (repository == null) {
            throw new IllegalStateException("no repository of " + rows);
        }
        return repository;
    }

    @Override
    public void close() {
        understudy.close(Duration.ofSeconds(5));
        pool.close();
    }
}
