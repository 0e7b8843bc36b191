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
import dev.understudy.model.Write;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.RedisServer.AppendFsync;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/** Real servers with durability on, the raw clients on them, and instances of the library beside these. Not thread-safe. */
final class World implements AutoCloseable {
    /** Connections of the pool that the raw parts and the library share. */
    static final int CONNECTIONS = 16;

    /** Rows of one statement or command of the raw parts. */
    static final int BATCH = 1_000;

    private static final Duration REWRITE = Duration.ofMinutes(1);
    private static final Duration LOOK = Duration.ofMillis(100);

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
        return instance("bench" + instances++, settings);
    }

    /** So many instances that share one replica. */
    List<Instance> instances(int count, Consumer<RepositoryBuilder<Long, Doc>> settings) {
        String namespace = "bench" + instances++;
        List<Instance> together = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            together.add(instance(namespace, settings));
        }
        return together;
    }

    private Instance instance(String namespace, Consumer<RepositoryBuilder<Long, Doc>> settings) {
        Understudy understudy = Understudy.builder()
                .namespace(namespace)
                .shared(Redis.at(redis.uri()).commandTimeout(Duration.ofSeconds(10)))
                .primary(PostgresPrimary.on(pool))
                .build();
        RepositoryBuilder<Long, Doc> builder = understudy.repository(table());
        settings.accept(builder);
        return new Instance(understudy, builder.build());
    }

    /** An instance that accepts a million pending writes. */
    Instance back() {
        return instance(settings ->
                settings.timeout(Duration.ofSeconds(30)).allowWriteBack(back -> back.maximumPending(1_000_000)));
    }

    /** Other libraries on the same servers. */
    Rivals rivals() {
        return new Rivals(redis.uri());
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

        /** Reads these rows, so that the replicas hold them; answers how many there are. */
        int load(int... ids) {
            return IntStream.range(0, (ids.length + BATCH - 1) / BATCH)
                    .parallel()
                    .map(batch -> {
                        int end = Math.min(ids.length, (batch + 1) * BATCH);
                        List<Long> keys = Arrays.stream(ids, batch * BATCH, end)
                                .asLongStream()
                                .boxed()
                                .toList();
                        return docs.findAll(keys).size();
                    })
                    .sum();
        }

        /** Writes the rows from one key to below another back. */
        void accept(int from, int to) {
            IntStream.range(0, (to - from + BATCH - 1) / BATCH).parallel().forEach(batch -> {
                long first = from + (long) batch * BATCH;
                List<Doc> rows = LongStream.range(first, Math.min(to, first + BATCH))
                        .mapToObj(id -> Doc.of(id, 200, first))
                        .toList();
                docs.saveAll(rows, Write.back());
            });
        }

        /** The drain, until nothing is pending. */
        void drain() {
            if (docs.drain(Duration.ofMinutes(2)) > 0) {
                throw new IllegalStateException("not drained within 2 minutes");
            }
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

    /** The raw read; null if there is no such row. */
    @Nullable
    Doc select(long id) throws SQLException {
        try (Connection raw = pool.getConnection();
                PreparedStatement statement = raw.prepareStatement("SELECT body FROM raw WHERE id = ?")) {
            statement.setLong(1, id);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? new Doc(id, rows.getString(1)) : null;
            }
        }
    }

    /** Writes the rows from one key to below another to both tables, past all replicas. */
    void fill(int from, int to, int bytes) throws SQLException {
        upsertAll(from, to, bytes);
        execute("INSERT INTO doc (id, body) SELECT id, body FROM raw WHERE id >= " + from + " AND id < " + to
                + " ON CONFLICT (id) DO UPDATE SET body = excluded.body");
    }

    /** Has the shared replica hold the rows that these keys ask for, as in an application that has run for a while. */
    void know(Instance instance, Keys keys) throws SQLException {
        fill(0, keys.rows(), 200);
        instance.load(keys.drawn());
    }

    /** Waits until Redis does not rewrite its append-only file, which takes a processor while it lasts. */
    void awaitRewrite() {
        long limit = System.nanoTime() + REWRITE.toNanos();
        while (connection.sync().info("persistence").contains("aof_rewrite_in_progress:1")) {
            if (System.nanoTime() > limit) {
                throw new IllegalStateException("the append-only file is not rewritten within " + REWRITE);
            }
            LockSupport.parkNanos(LOOK.toNanos());
        }
    }

    /** Upserts rows {@value #BATCH} by {@value #BATCH} over one connection at a time. */
    void upsertAll(int from, int to, int bytes) throws SQLException {
        for (int first = from; first < to; first += BATCH) {
            Long[] ids = new Long[Math.min(BATCH, to - first)];
            String[] bodies = new String[ids.length];
            for (int i = 0; i < ids.length; i++) {
                Doc doc = Doc.of(first + i, bytes, first);
                ids[i] = doc.id();
                bodies[i] = doc.body();
            }
            upsert(ids, bodies);
        }
    }

    /** Has the raw key of each of these rows hold 200 bytes. */
    void setAll(int... ids) {
        for (int first = 0; first < ids.length; first += BATCH) {
            Map<String, String> rows = new HashMap<>();
            for (int i = first; i < Math.min(ids.length, first + BATCH); i++) {
                rows.put("raw:" + ids[i], Doc.of(ids[i], 200, 0).body());
            }
            connection.sync().mset(rows);
        }
    }

    /** Bytes that Redis has allocated. */
    long usedMemory() {
        return connection
                .sync()
                .info("memory")
                .lines()
                .filter(line -> line.startsWith("used_memory:"))
                .map(line -> line.substring(line.indexOf(':') + 1).trim())
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElseThrow();
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
