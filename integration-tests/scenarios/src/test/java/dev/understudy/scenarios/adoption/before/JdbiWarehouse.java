package dev.understudy.scenarios.adoption.before;

import dev.understudy.scenarios.adoption.Product;
import dev.understudy.scenarios.adoption.Warehouse;
import io.lettuce.core.RedisClient;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.mapper.RowMapper;

/** The warehouse on Postgres through Jdbi, with a cache-aside in Redis. Thread-safe. */
public final class JdbiWarehouse implements Warehouse {
    private static final int CACHE_SECONDS = 600;
    private static final RowMapper<Product> PRODUCT =
            (row, context) -> new Product(row.getLong("id"), row.getString("name"), row.getInt("stock"));

    private final Jdbi jdbi;
    private final RedisClient client;
    private final RedisCommands<String, String> cache;

    /** A warehouse on these servers. */
    public JdbiWarehouse(DataSource dataSource, String redisUri) {
        jdbi = Jdbi.create(dataSource);
        client = RedisClient.create(redisUri);
        cache = client.connect().sync();
    }

    @Override
    public Optional<Product> find(long id) {
        String cached = cache.get("product:" + id);
        if (cached != null) {
            return Optional.of(Product.parse(cached));
        }
        Optional<Product> product = jdbi.withHandle(handle -> load(handle, id));
        product.ifPresent(this::remember);
        return product;
    }

    @Override
    public void save(Product product) {
        jdbi.useHandle(handle -> store(handle, product));
        remember(product);
    }

    @Override
    public void remove(long id) {
        jdbi.useHandle(handle -> handle.execute("DELETE FROM product WHERE id = ?", id));
        cache.del("product:" + id);
    }

    @Override
    public void move(long from, long to, int count) {
        jdbi.useTransaction(handle -> {
            change(handle, to, count);
            change(handle, from, -count);
        });
    }

    private void change(Handle handle, long id, int count) {
        Product product = load(handle, id).orElseThrow();
        Product changed = product.withStock(product.stock() + count);
        if (changed.stock() < 0) {
            throw new IllegalArgumentException("not so many in stock");
        }
        store(handle, changed);
        remember(changed);
    }

    @Override
    public List<Product> soldOut() {
        return jdbi.withHandle(handle -> handle.createQuery("SELECT * FROM product WHERE stock = 0 ORDER BY id")
                .map(PRODUCT)
                .list());
    }

    private Optional<Product> load(Handle handle, long id) {
        return handle.createQuery("SELECT * FROM product WHERE id = :id")
                .bind("id", id)
                .map(PRODUCT)
                .findOne();
    }

    private void store(Handle handle, Product product) {
        handle.createUpdate("INSERT INTO product (id, name, stock) VALUES (:id, :name, :stock)"
                        + " ON CONFLICT (id) DO UPDATE SET name = :name, stock = :stock")
                .bindMethods(product)
                .execute();
    }

    private void remember(Product product) {
        cache.setex("product:" + product.id(), CACHE_SECONDS, product.text());
    }

    @Override
    public void close() {
        client.shutdown();
    }
}
