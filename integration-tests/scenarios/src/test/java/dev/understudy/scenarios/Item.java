package dev.understudy.scenarios;

import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Versioning;

/** The row of most scenarios. */
record Item(long id, String name, long amount) {
    static final String TABLE = "item";

    static Item of(long id, long amount) {
        return new Item(id, "item " + id, amount);
    }

    Item plus(long more) {
        return new Item(id, name, amount + more);
    }

    static PostgresTable<Long, Item> table(Versioning versioning) {
        return PostgresTable.of(Item.class, TABLE).key(Item::id).versioning(versioning);
    }
}
