package dev.understudy.demo;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.api.sync.RedisCommands;
import java.net.URI;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.UUID;

/**
 * The servers of one run with the demo's tables on them, and the promise that nothing of it stays. Thread-safe.
 *
 * <p>Servers of the user's own get a schema and a Redis namespace with random names, which are removed at the end; embedded servers are
 * removed whole.
 */
final class Shop implements AutoCloseable {
    /** The table behind Understudy. */
    static final String TABLE = "product";
    /** A copy of it for the plain variants, so that neither disturbs the other. */
    static final String PLAIN_TABLE = "product_plain";

    private static final int FILL_BATCH = 20_000;

    private final Deque<AutoCloseable> cleanUp = new ArrayDeque<>();
    private final Settings settings;
    private final String runId = UUID.randomUUID().toString().substring(0, 8);
    private Optional<RedisServer> ownRedis = Optional.empty();
    private Optional<TcpProxy> proxy = Optional.empty();
    private boolean closed;

    Shop(Settings settings) {
        this.settings = settings;
    }

    /** Starts what is to be embedded. */
    Address start(Report report) {
        long begin = System.nanoTime();
        String redisUri = settings.redis().map(this::proxied).orElseGet(this::startRedis);
        String namespace = "demo-" + runId;
        String schema = "understudy_demo_" + runId;
        String url = settings.url().orElseGet(this::startPostgres);
        Address address = new Address(url, settings.user(), settings.password(), schema, redisUri, namespace);
        report.line(
                "Redis: %s; PostgreSQL: %s; ready after %.1f s",
                ownRedis.map(RedisServer::description).orElse("the one of --redis"),
                settings.url().isPresent() ? "the one of --url" : "embedded, fsync on",
                seconds(begin));
        if (settings.redis().isPresent()) {
            onClose(() -> removeKeys(redisUri, namespace + ":*"));
        }
        return address;
    }

    /** Creates and fills both tables, and installs the migration. */
    void fill(Address address, Report report) {
        long begin = System.nanoTime();
        try (HikariDataSource unqualified = Instance.pool(withoutSchema(address), 1)) {
            Sql.run(unqualified, "CREATE SCHEMA " + address.schema());
        }
        if (settings.url().isPresent()) {
            onClose(() -> dropSchema(address));
        }
        try (HikariDataSource pool = Instance.pool(address, 2)) {
            Sql.run(
                    pool,
                    "CREATE TABLE " + TABLE + " (id bigint PRIMARY KEY, name text NOT NULL,"
                            + " price numeric(10,2) NOT NULL, stock integer NOT NULL)");
            for (int first = 1; first <= settings.rows(); first += FILL_BATCH) {
                int last = Math.min(settings.rows(), first + FILL_BATCH - 1);
                Sql.run(
                        pool,
                        "INSERT INTO " + TABLE + " SELECT i, 'product ' || i, (100 + i * 31 % 99900) / 100.0, 0"
                                + " FROM generate_series(" + first + ", " + last + ") AS i");
                report.line("table %s: %s of %s rows", TABLE, Report.number(last), Report.number(settings.rows()));
            }
            Sql.run(pool, "CREATE TABLE " + PLAIN_TABLE + " AS SELECT * FROM " + TABLE);
            Sql.run(pool, "ALTER TABLE " + PLAIN_TABLE + " ADD PRIMARY KEY (id)");
            Instance.table().install(pool);
            PostgresPrimary.on(pool).build().install();
            Sql.run(pool, "ANALYZE");
        }
        report.line("tables filled and the migration installed after %.1f s", seconds(begin));
    }

    /** Kills Redis; one of the user's own is not killed, the way to it is cut. Answers what happened. */
    String breakRedis() {
        ownRedis.ifPresent(RedisServer::kill);
        proxy.ifPresent(TcpProxy::refuse);
        return ownRedis.isPresent() ? "killed" : "cut off";
    }

    /** Starts Redis again on the data it had. */
    void mendRedis() {
        ownRedis.ifPresent(RedisServer::start);
        proxy.ifPresent(TcpProxy::pass);
    }

    private String startRedis() {
        RedisServer redis = RedisServer.builder().start();
        onClose(redis);
        ownRedis = Optional.of(redis);
        return redis.uri();
    }

    private String startPostgres() {
        PostgresServer postgres = PostgresServer.builder().start();
        onClose(postgres);
        return postgres.jdbcUrl();
    }

    private String proxied(String given) {
        URI uri = URI.create(given);
        TcpProxy between = TcpProxy.to(uri.getHost(), uri.getPort() < 0 ? 6379 : uri.getPort());
        onClose(between);
        proxy = Optional.of(between);
        String login = uri.getRawUserInfo() == null ? "" : uri.getRawUserInfo() + "@";
        String database = uri.getRawPath() == null ? "" : uri.getRawPath();
        return "redis://" + login + between.host() + ":" + between.port() + database;
    }

    private static Address withoutSchema(Address address) {
        return new Address(
                address.jdbcUrl(),
                address.user(),
                address.password(),
                "public",
                address.redisUri(),
                address.namespace());
    }

    private static void dropSchema(Address address) {
        try (HikariDataSource pool = Instance.pool(withoutSchema(address), 1)) {
            Sql.run(pool, "DROP SCHEMA IF EXISTS " + address.schema() + " CASCADE");
        }
    }

    private void removeKeys(String redisUri, String pattern) {
        proxy.ifPresent(TcpProxy::pass);
        RedisClient client = RedisClient.create(redisUri);
        try {
            RedisCommands<String, String> redis = client.connect().sync();
            KeyScanCursor<String> cursor =
                    redis.scan(ScanArgs.Builder.matches(pattern).limit(1_000));
            while (true) {
                if (!cursor.getKeys().isEmpty()) {
                    redis.unlink(cursor.getKeys().toArray(String[]::new));
                }
                if (cursor.isFinished()) {
                    return;
                }
                cursor = redis.scan(cursor, ScanArgs.Builder.matches(pattern).limit(1_000));
            }
        } finally {
            client.shutdown();
        }
    }

    /** Has something closed at the end, before what was told earlier. */
    synchronized <C extends AutoCloseable> C onClose(C resource) {
        cleanUp.push(resource);
        return resource;
    }

    /** Removes everything; also called when the demo is interrupted. Later calls do nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        while (!cleanUp.isEmpty()) {
            try {
                cleanUp.pop().close();
            } catch (Exception e) {
                System.err.println("not removed: " + e.getMessage());
            }
        }
    }

    private static double seconds(long sinceNanos) {
        return (System.nanoTime() - sinceNanos) / 1e9;
    }
}
