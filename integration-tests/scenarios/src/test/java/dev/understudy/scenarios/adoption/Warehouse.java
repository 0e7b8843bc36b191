package dev.understudy.scenarios.adoption;

import java.util.List;
import java.util.Optional;

/** What the application does for the rest of the shop. */
public interface Warehouse extends AutoCloseable {
    /** One product. */
    Optional<Product> find(long id);

    /** Adds or replaces a product. */
    void save(Product product);

    /** Takes a product out of the range. */
    void remove(long id);

    /** Moves pieces from one product to another, all or nothing. */
    void move(long from, long to, int count);

    /** What has to be ordered. */
    List<Product> soldOut();

    @Override
    void close();
}
