package dev.understudy.adapters.postgres;

import dev.understudy.model.Versioning;
import java.util.Locale;
import java.util.Map;

/**
 * What the user said of a table. Immutable.
 *
 * @param columns component to column, where the name is not the component's in snake case
 * @param isUpdateOnly whether rows are never inserted
 */
record TableOptions(TableName table, Map<String, String> columns, Versioning versioning, boolean isUpdateOnly) {
    /** The column of a component. */
    String column(String component) {
        String given = columns.get(component);
        return given == null ? snakeCase(component) : given;
    }

    /** {@code orderLineId} to {@code order_line_id}; {@code parentURL} to {@code parent_url}. */
    static String snakeCase(String name) {
        return name.replaceAll("([a-z0-9])([A-Z])", "$1_$2")
                .replaceAll("([A-Z])([A-Z][a-z])", "$1_$2")
                .toLowerCase(Locale.ROOT);
    }
}
