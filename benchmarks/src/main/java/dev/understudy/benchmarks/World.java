package dev.understudy.benchmarks;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.model.Versioning;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.RedisServer.AppendFsync;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/** Real servers with durability on, the raw clients on them, and instances of the library beside these. Not thread-safe. */
final class World implements AutoCloseable {
    /** Connections of the pool that the raw parts and the library share. */
    static final int CONNECTIONS = 16;

    private final Deque<Runnable> closing = new ArrayDeque<>();
    private final RedisServer redis;
    private final String jdbcUrl;
    private final HikariDataSource pool;
    private final StatefulRedisConnection<String, String> connection;
    private int instances;

    World(AppendFsync appendFsync) {
        redis = RedisServer.builder().appendFsync(appendFsync).start();
        closing.push(redis::close);
        PostgresServer postgres = PostgresServer.builder().start();
        closing.push(postgres::close);
        jdbcUrl = postgres.createDatabase("bench");
        pool = pool();
        closing.push(pool::close);
        RedisClient client = RedisClient.create(RedisURI.create(redis.uri()));
        closing.push(() -> client.shutdown(Duration.ZERO, Duration.ofSeconds(2)));
        connection = client.connect();
        execute("CREATE TABLE raw (id bigint PRIMARY KEY, body text NOT NULL)");
        execute("CREATE TABLE doc (id bigint PRIMARY KEY, body text NOT NULL)");
        execute(table().migrationSql());
        PostgresPrimary primary = PostgresPrimary.on(pool).build();
        primary.install();
        primary.close();
    }

    private HikariDataSource pool() {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(jdbcUrl);
        config.setMaximumPoolSize(CONNECTIONS);
        config.setMinimumIdle(CONNECTIONS);
        return new HikariDataSource(config);
    }

    static PostgresTable<Long, Doc> table() {
        return PostgresTable.of(Doc.class, "doc").key(Doc::id).versioning(Versioning.column("us_version"));
    }

    /** An instance of the library on the raw parts' own pool, and its one repository. */
    Instance instance(Consumer<RepositoryBuilder<Long, Doc>> settings) {
        Understudy understudy = Understudy.builder()
                .namespace("bench" + instances++)
                .shared(Redis.at(redis.uri()).commandTimeout(Duration.ofSeconds(10)))
                .primary(PostgresPrimary.on(pool))
                .build();
        RepositoryBuilder<Long, Doc> builder = understudy.repository(table());
        settings.accept(builder);
        return new Instance(understudy, builder.build());
    }

    /** An instance whose calls of the ports are measured. */
    Instance measured(Steps steps) {
        Understudy understudy = Understudy.builder()
                .namespace("bench" + instances++)
                .shared(() -> steps.of(Redis.at(redis.uri())
                        .commandTimeout(Duration.ofSeconds(10))
                        .get()))
                .primary(() -> steps.of(PostgresPrimary.on(pool).build()))
                .build();
        return new Instance(understudy, understudy.repository(table()).build());
    }

    /** One instance, which ends with the part of the run that it is for. */
    record Instance(Understudy understudy, CachedRepository<Long, Doc> docs) implements AutoCloseable {
        @Override
        public void close() {
            understudy.close(Duration.ofSeconds(60));
        }
    }

    /** The raw Redis connection, shared by all threads. */
    StatefulRedisConnection<String, String> redis() {
        return connection;
    }

    /** The raw upsert, committed. */
    void upsert(Doc doc) throws SQLException {
        try (Connection raw = pool.getConnection();
                PreparedStatement statement = raw.prepareStatement(
                        "INSERT INTO raw VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body")) {
            statement.setLong(1, doc.id());
            statement.setString(2, doc.body());
            statement.executeUpdate();
        }
    }

    /** Rows by array, as many as one statement shall carry, committed. */
    void upsert(Long[] ids, String[] bodies) throws SQLException {
        try (Connection raw = pool.getConnection();
                PreparedStatement statement = raw.prepareStatement("INSERT INTO raw SELECT * FROM unnest(?, ?)"
                        + " ON CONFLICT (id) DO UPDATE SET body = excluded.body")) {
            statement.setArray(1, raw.createArrayOf("bigint", ids));
            statement.setArray(2, raw.createArrayOf("text", bodies));
            statement.executeUpdate();
        }
    }

    void execute(String sql) {
        try (Connection raw = pool.getConnection();
                Statement statement = raw.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        while (!closing.isEmpty()) {
            closing.pop().run();
        }
    }
}
