package dev.understudy.torture;

import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Versioning;

/** The repositories under torture: the same rows under each versioning. */
enum Rows {
    /** Ordered by a column that the library writes. */
    VERSIONED("v", Versioning.column("us_version")),
    /** Without order: write-through only. */
    PLAIN("p", Versioning.none()),
    /** Ordered by a column that a trigger writes too. */
    TRIGGERED("t", Versioning.columnAndTrigger("us_version"));

    /** What no row may hold: a write-back of it ends in the dead letters. */
    static final String POISON = "poison";

    private final String prefix;
    private final Versioning versioning;

    Rows(String prefix, Versioning versioning) {
        this.prefix = prefix;
        this.versioning = versioning;
    }

    /** Whether its rows may be written back. */
    boolean allowsWriteBack() {
        return versioning.isVersioned();
    }

    String table() {
        return "rows_" + prefix;
    }

    String ddl() {
        return "CREATE TABLE " + table()
                + " (id bigint PRIMARY KEY, number bigint NOT NULL, text text NOT NULL CHECK (text <> '" + POISON
                + "'))";
    }

    PostgresTable<Long, Entry> mapping() {
        return PostgresTable.of(Entry.class, table()).key(Entry::id).versioning(versioning);
    }

    /** The row's name in a history. */
    String key(long id) {
        return prefix + id;
    }
}
