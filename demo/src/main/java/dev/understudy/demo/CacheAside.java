package dev.understudy.demo;

import io.lettuce.core.RedisClient;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.sync.RedisCommands;
import java.math.BigDecimal;
import java.util.Optional;

/**
 * The usual way, without a library: a read asks Redis, on a miss the database, and stores what it got; a write updates the database and
 * deletes the key. Thread-safe.
 */
final class CacheAside implements AutoCloseable {
    private static final long TIME_TO_LIVE_SECONDS = 600;

    private final RedisClient client;
    private final RedisCommands<String, String> redis;
    private final RedisCommands<String, String> otherServer;
    private final Sql sql;
    private final String prefix;

    CacheAside(String redisUri, String prefix, Sql sql) {
        this.client = RedisClient.create(redisUri);
        this.redis = client.connect().sync();
        this.otherServer = client.connect().sync();
        this.sql = sql;
        this.prefix = prefix;
    }

    /** GET; on a miss SELECT, then SET. */
    Optional<Product> find(long id) {
        String cached = redis.get(prefix + id);
        if (cached != null) {
            return Optional.of(decode(cached));
        }
        Optional<Product> row = sql.select(id);
        Hold.afterRead();
        row.ifPresent(product -> redis.set(prefix + id, encode(product), SetArgs.Builder.ex(TIME_TO_LIVE_SECONDS)));
        return row;
    }

    /** What another application server with the same cache reads. */
    Optional<Product> findElsewhere(long id) {
        String cached = otherServer.get(prefix + id);
        return cached != null ? Optional.of(decode(cached)) : sql.select(id);
    }

    /** UPDATE; DEL. */
    void save(Product product) {
        sql.update(product);
        redis.del(prefix + product.id());
    }

    /** Empties the cache for one row. */
    void forget(long id) {
        redis.del(prefix + id);
    }

    @Override
    public void close() {
        client.shutdown();
    }

    private static String encode(Product product) {
        return product.id() + "\t" + product.name() + "\t" + product.price() + "\t" + product.stock();
    }

    private static Product decode(String text) {
        String[] parts = text.split("\t", -1);
        return new Product(Long.parseLong(parts[0]), parts[1], new BigDecimal(parts[2]), Integer.parseInt(parts[3]));
    }
}
