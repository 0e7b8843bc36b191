package dev.understudy.torture;

import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Versioning;

/**
 * The row under torture.
 *
 * @param number of the write, used once in a run
 */
record Entry(long id, long number, String text) {
    static final String TABLE = "entry";
    static final String DDL = "CREATE TABLE entry (id bigint PRIMARY KEY, number bigint NOT NULL, text text NOT NULL)";

    static PostgresTable<Long, Entry> table() {
        return PostgresTable.of(Entry.class, TABLE).key(Entry::id).versioning(Versioning.column("us_version"));
    }
}
