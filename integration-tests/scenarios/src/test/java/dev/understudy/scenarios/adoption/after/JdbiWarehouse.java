package dev.understudy.scenarios.adoption.after;

import dev.understudy.CachedRepository;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.scenarios.adoption.Product;
import dev.understudy.scenarios.adoption.Warehouse;
import java.sql.Connection;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import javax.sql.DataSource;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.mapper.RowMapper;

/** The warehouse on Postgres through Jdbi, behind Understudy. Thread-safe. */
public final class JdbiWarehouse implements Warehouse {
    private static final RowMapper<Product> PRODUCT =
            (row, context) -> new Product(row.getLong("id"), row.getString("name"), row.getInt("stock"));

    private final Jdbi jdbi;
    private final Understudy understudy;
    private final CachedRepository<Long, Product> products;

    /** A warehouse on these servers. */
    public JdbiWarehouse(DataSource dataSource, String redisUri) {
        jdbi = Jdbi.create(dataSource);
        understudy = Understudy.builder()
                .namespace("warehouse")
                .shared(Redis.at(redisUri))
                .primary(PostgresPrimary.on(dataSource)::build)
                .build();
        products = understudy
                .repository(PostgresTable.of(Product.class, "product").key(Product::id))
                .near(near -> near.timeToLive(Duration.ofSeconds(2)))
                .build();
    }

    @Override
    public Optional<Product> find(long id) {
        return products.find(id);
    }

    @Override
    public void save(Product product) {
        products.save(product);
    }

    @Override
    public void remove(long id) {
        products.delete(id);
    }

    @Override
    public void move(long from, long to, int count) {
        understudy.inTransaction(transaction -> {
            Handle handle = Jdbi.open(transaction.unwrap(Connection.class));
            change(handle, to, count);
            change(handle, from, -count);
            transaction.changed(products, List.of(from, to));
            return true;
        });
    }

    private void change(Handle handle, long id, int count) {
        Product product = load(handle, id).orElseThrow();
        Product changed = product.withStock(product.stock() + count);
        if (changed.stock() < 0) {
            throw new IllegalArgumentException("not so many in stock");
        }
        store(handle, changed);
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

    @Override
    public void close() {
        understudy.close();
    }
}
