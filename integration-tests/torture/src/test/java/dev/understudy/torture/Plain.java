package dev.understudy.torture;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.engine.Overflow;
import java.time.Duration;
import java.util.function.Consumer;

/** One instance of the library with nothing between it and the servers. Thread-safe. */
record Plain(HikariDataSource pool, Understudy understudy, CachedRepository<Long, Entry> entries)
        implements AutoCloseable {
    private static final int CONNECTIONS = 8;

    static Plain open(String redisUri, String jdbcUrl, Consumer<RepositoryBuilder.Back> back) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(CONNECTIONS);
        config.setMinimumIdle(1);
        config.setConnectionTimeout(5_000);
        HikariDataSource pool = new HikariDataSource(config);
        Understudy understudy = Understudy.builder()
                .namespace("plain")
                .shared(Redis.at(redisUri).commandTimeout(Duration.ofSeconds(5)))
                .primary(PostgresPrimary.on(pool))
                .build();
        CachedRepository<Long, Entry> entries = understudy
                .repository(Entry.table())
                .near(near -> near.maximumSize(1_000))
                .allowWriteBack(settings -> back.accept(settings.overflow(Overflow.REJECT)))
                .timeout(Duration.ofSeconds(10))
                .build();
        return new Plain(pool, understudy, entries);
    }

    @Override
    public void close() {
        understudy.close(Duration.ofSeconds(10));
        pool.close();
    }
}
