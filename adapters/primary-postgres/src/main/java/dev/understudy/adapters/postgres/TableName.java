package dev.understudy.adapters.postgres;

import java.util.List;

/**
 * A table's name as written by the user. Immutable.
 *
 * @param schema empty if the search path decides
 * @param table taken literally
 */
record TableName(String schema, String table) {
    /** The name of {@code table} or {@code schema.table}. */
    static TableName of(String path) {
        List<String> parts = Identifier.parts("table", path);
        return parts.size() == 1 ? new TableName("", parts.get(0)) : new TableName(parts.get(0), parts.get(1));
    }

    /** The name as SQL. */
    String sql() {
        return qualified(table);
    }

    /** Another object of the same schema, as SQL. */
    String qualified(String name) {
        String quoted = Identifier.quoted("table", name);
        return schema.isEmpty() ? quoted : Identifier.quoted("schema", schema) + "." + quoted;
    }

    @Override
    public String toString() {
        return schema.isEmpty() ? table : schema + "." + table;
    }
}
