package dev.understudy.demo;

import java.math.BigDecimal;

/**
 * A row of the demo's table. Immutable.
 *
 * @param id the key
 * @param name what it is called
 * @param price in the shop's currency, two digits after the point
 * @param stock how many are left; the demo counts its writes here
 */
public record Product(long id, String name, BigDecimal price, int stock) {
    /** The columns, in the order of the components. */
    static final String COLUMNS = "id, name, price, stock";

    /** A product as one of the demo's writes makes it: equal arguments, equal rows. */
    static Product written(long id, int write) {
        long cents = 100 + Math.floorMod(id * 31 + write * 7L, 99_900L);
        return new Product(id, "product " + id, BigDecimal.valueOf(cents, 2), write);
    }
}
