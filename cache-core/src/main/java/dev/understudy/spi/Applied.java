package dev.understudy.spi;

import dev.understudy.model.Version;

/** What became of a {@link Change}. */
public sealed interface Applied<V> {
    /** Inserted or updated; the row as stored (generated columns, triggers and defaults included). */
    record Stored<V>(Row<V> row) implements Applied<V> {}

    /** Deleted; {@code existed} tells whether there was a row. */
    record Deleted<V>(boolean existed) implements Applied<V> {}

    /** The guard did not hold; the version found, {@link Version#ABSENT} if there is no row. */
    record Refused<V>(Version current) implements Applied<V> {}
}
