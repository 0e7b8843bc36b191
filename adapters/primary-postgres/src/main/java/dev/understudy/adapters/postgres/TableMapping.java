package dev.understudy.adapters.postgres;

import dev.understudy.adapters.postgres.Catalogue.Column;
import dev.understudy.model.Invalid;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Change;
import dev.understudy.spi.Row;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A record class laid over a table as the catalogue describes it. Immutable; making one verifies that the two fit.
 *
 * @param table the name with its schema, as SQL
 * @param columns one for each component of the record, in their order
 * @param key the columns of the key, in the order of its parts
 * @param version the version column as SQL; empty without one
 * @param uninsertable columns without which no row can be inserted; empty if rows can be
 */
record TableMapping<K, V>(
        RecordShape<V> record,
        KeyShape<K, V> keyShape,
        String table,
        List<Mapped> columns,
        List<Mapped> key,
        Optional<String> version,
        List<String> uninsertable) {

    /**
     * A component and its column.
     *
     * @param index of the component
     * @param sql the column's quoted name
     * @param isKey whether it is part of the key
     */
    record Mapped(int index, Column column, ColumnType type, String sql, boolean isKey, boolean isPrimitive) {
        /** Whether an insert names it: generated columns, and identities that are no key, are Postgres' to fill. */
        boolean isInserted() {
            return !column.isGenerated() && (isKey || !column.isIdentityAlways());
        }

        /** Whether an update sets it. */
        boolean isUpdated() {
            return !isKey && isInserted();
        }
    }

    static <K, V> TableMapping<K, V> of(
            TableOptions options, RecordShape<V> shape, KeyShape<K, V> keyShape, Catalogue catalogue) {
        Builder<K, V> builder = new Builder<>(options, shape, keyShape, catalogue);
        List<String> keyColumns = builder.keyColumns();
        List<Mapped> columns = builder.columns(keyColumns);
        List<Mapped> key = builder.key(keyColumns, columns);
        Optional<String> version = builder.version();
        List<String> uninsertable = builder.uninsertable(columns);
        return new TableMapping<>(shape, keyShape, catalogue.sql(), columns, key, version, uninsertable);
    }

    /** The columns for which the predicate holds. */
    List<Mapped> columns(Predicate<Mapped> which) {
        return columns.stream().filter(which).toList();
    }

    boolean isUpdateOnly() {
        return !uninsertable.isEmpty();
    }

    /** The texts of one column of the changes' values or parts, as an array parameter. */
    String array(Mapped mapped, List<Change<K, V>> changes) {
        return Literals.array(changes, change -> text(mapped, change));
    }

    /** The text of one column of the change's value or parts; null for NULL. */
    @Nullable
    String text(Mapped mapped, Change<K, V> change) {
        Object component = change.value().isPresent()
                ? record.get(change.value().get(), mapped.index())
                : change.parts()
                        .map(parts -> parts.getOrDefault(component(mapped), Optional.empty()))
                        .orElseThrow()
                        .orElse(null);
        return component == null ? null : mapped.type().text().apply(component);
    }

    /** The name of the column's component. */
    String component(Mapped mapped) {
        return record.components().get(mapped.index()).name();
    }

    /** The texts of one part of the keys, as an array parameter. */
    String keyArray(int part, List<K> keys) {
        KeyShape.Part shape = keyShape.parts().get(part);
        return Literals.array(keys, key -> shape.of(key).toString());
    }

    /** The type of a key's part in an array parameter: of the key, which may be wider than the column. */
    String keyCast(int part) {
        Class<?> type = keyShape.parts().get(part).type();
        return type == Long.class
                ? "bigint"
                : type == Integer.class ? "integer" : key.get(part).type().cast();
    }

    /** The row whose columns begin at that index, followed by its version. */
    Row<V> row(ResultSet result, int first) throws SQLException {
        @Nullable Object[] values = new @Nullable Object[columns.size()];
        for (int i = 0; i < values.length; i++) {
            Mapped mapped = columns.get(i);
            values[i] = mapped.type().reader().read(result, first + i);
            if (values[i] == null && mapped.isPrimitive()) {
                throw new SQLException(
                        "column " + mapped.column().name() + " is NULL, which its component cannot be", "22004");
            }
        }
        Version stored = version.isEmpty() ? Version.UNVERSIONED : new Version(result.getLong(first + values.length));
        return new Row<>(record.create(values), stored);
    }

    /** Refuses a value that a column would not hold exactly. */
    void check(V value) {
        for (Mapped mapped : columns) {
            if (mapped.column().isGenerated()) {
                continue;
            }
            Object component = record.get(value, mapped.index());
            if (component == null) {
                if (mapped.column().isNotNull() && mapped.isInserted()) {
                    throw new Invalid("column " + mapped.column().name() + " of " + table + " is NOT NULL; component "
                            + record.components().get(mapped.index()).name() + " is null");
                }
                continue;
            }
            String complaint = mapped.type().limit().complaint(component);
            if (complaint != null) {
                throw new Invalid("the value for column " + mapped.column().name() + " of " + table + " " + complaint);
            }
        }
    }

    private record Builder<K, V>(
            TableOptions options, RecordShape<V> shape, KeyShape<K, V> keyShape, Catalogue catalogue) {
        List<String> keyColumns() {
            List<String> columns = new ArrayList<>();
            for (KeyShape.Part part : keyShape.parts()) {
                columns.add(part.component().map(options::column).orElseGet(this::primaryKeyColumn));
            }
            boolean isUnique =
                    catalogue.keys().stream().anyMatch(key -> new HashSet<>(key).equals(Set.copyOf(columns)));
            if (!isUnique) {
                throw Catalogue.refusal("table " + options.table() + " has no primary key or unique index of exactly "
                        + columns + ", not deferrable and without conditions, which the key needs; found: "
                        + catalogue.keys());
            }
            return columns;
        }

        private String primaryKeyColumn() {
            List<String> first =
                    catalogue.keys().isEmpty() ? List.of() : catalogue.keys().get(0);
            if (first.size() != 1) {
                throw Catalogue.refusal("table " + options.table() + " has no primary key of one column, and the key's"
                        + " column cannot be told from a lambda: name the key by a method reference of the record");
            }
            return first.get(0);
        }

        List<Mapped> columns(List<String> keyColumns) {
            List<Mapped> mapped = new ArrayList<>();
            Set<String> seen = new HashSet<>();
            for (int i = 0; i < shape.components().size(); i++) {
                RecordShape.Component component = shape.components().get(i);
                String name = options.column(component.name());
                Column column = catalogue.columns().get(name);
                if (column == null) {
                    throw Catalogue.refusal("table " + options.table() + " has no column " + name + " for component "
                            + component.name() + " of " + shape.type().getSimpleName());
                }
                if (!seen.add(name)) {
                    throw new Invalid("column " + name + " is the column of two components of "
                            + shape.type().getSimpleName());
                }
                boolean isPrimitive = component.type().isPrimitive();
                if (isPrimitive && !column.isNotNull() && !column.isGenerated()) {
                    throw Catalogue.refusal("column " + name + " of table " + options.table()
                            + " may be NULL, component "
                            + component.name() + " of type " + component.type().getName() + " may not: use its boxed"
                            + " type, or make the column NOT NULL");
                }
                ColumnType type = ColumnType.of(component.type(), column)
                        .orElseThrow(() -> Catalogue.refusal("component " + component.name() + " of type "
                                + component.type().getName() + " does not match column " + name + " of type "
                                + column.declared()));
                mapped.add(new Mapped(
                        i, column, type, Identifier.quoted("column", name), keyColumns.contains(name), isPrimitive));
            }
            return List.copyOf(mapped);
        }

        List<Mapped> key(List<String> keyColumns, List<Mapped> columns) {
            List<Mapped> key = new ArrayList<>();
            for (int i = 0; i < keyColumns.size(); i++) {
                String name = keyColumns.get(i);
                Class<?> type = keyShape.parts().get(i).type();
                Mapped mapped = columns.stream()
                        .filter(each -> each.column().name().equals(name))
                        .findFirst()
                        .orElseThrow(() -> new Invalid(
                                "no component of " + shape.type().getSimpleName() + " maps to key column " + name));
                Column column = mapped.column();
                if (ColumnType.of(type, column).isEmpty()) {
                    throw Catalogue.refusal("key component of type " + type.getSimpleName()
                            + " does not match key column " + name + " of type " + column.declared());
                }
                if (!column.isNotNull()) {
                    throw Catalogue.refusal("key column " + name + " of table " + options.table() + " may be NULL");
                }
                if (!column.isDeterministic() || column.type().equals("bpchar") || column.isGenerated()) {
                    throw Catalogue.refusal("key column " + name + " of type " + column.declared()
                            + " takes different texts for equal, or is generated: it cannot be the key");
                }
                key.add(mapped);
            }
            return List.copyOf(key);
        }

        Optional<String> version() {
            Versioning versioning = options.versioning();
            if (!versioning.isVersioned()) {
                return Optional.empty();
            }
            String table = catalogue.sql();
            String quoted = Identifier.quoted("version column", versioning.column());
            Column column = catalogue.columns().get(versioning.column());
            if (column == null) {
                String trigger = versioning.trigger() ? "\n" + triggerSql() : "";
                throw missing(
                        "has no version column " + versioning.column(),
                        Migration.versionColumn(table, quoted) + trigger);
            }
            if (!column.type().equals("int8") || !column.typeSchema().equals("pg_catalog")) {
                throw Catalogue.refusal("version column " + versioning.column() + " of table " + options.table()
                        + " is " + column.declared() + ", not bigint");
            }
            boolean isOne = column.defaultSql().matches("'?1'?(::bigint)?");
            if (!isOne || column.isGenerated()) {
                throw missing(
                        "has a version column " + versioning.column() + " without the default 1",
                        "ALTER TABLE " + table + " ALTER COLUMN " + quoted + " SET DEFAULT 1;");
            }
            if (!column.isNotNull()) {
                throw missing(
                        "has a version column " + versioning.column() + " that may be NULL",
                        "UPDATE " + table + " SET " + quoted + " = 1 WHERE " + quoted + " IS NULL;\nALTER TABLE "
                                + table + " ALTER COLUMN " + quoted + " SET NOT NULL;");
            }
            if (versioning.trigger()) {
                requireTrigger(quoted);
            }
            return Optional.of(quoted);
        }

        private void requireTrigger(String quotedColumn) {
            String body = Migration.stampBody(quotedColumn).strip();
            boolean isThere = catalogue.triggers().stream()
                    .anyMatch(trigger ->
                            trigger.isEnabled() && trigger.body().strip().equals(body));
            if (!isThere) {
                throw missing(
                        "has no enabled trigger that stamps "
                                + options.versioning().column() + " as this library does",
                        triggerSql());
            }
        }

        private String triggerSql() {
            TableName name = new TableName(catalogue.schema(), catalogue.table());
            return Migration.trigger(name, options.versioning().column());
        }

        private Invalid missing(String what, String statement) {
            return Catalogue.refusal("table " + options.table() + " " + what + "; run:\n" + statement);
        }

        List<String> uninsertable(List<Mapped> columns) {
            Set<String> given = new HashSet<>();
            columns.stream()
                    .filter(Mapped::isInserted)
                    .forEach(mapped -> given.add(mapped.column().name()));
            if (options.versioning().isVersioned()) {
                given.add(options.versioning().column());
            }
            List<String> missing = catalogue.columns().values().stream()
                    .filter(column -> !given.contains(column.name()) && !column.mayBeOmitted())
                    .map(Column::name)
                    .toList();
            if (!missing.isEmpty() && !options.isUpdateOnly()) {
                throw Catalogue.refusal("table " + options.table() + " cannot take rows without its columns " + missing
                        + ", which are NOT NULL, have no default and no component: map them, give them defaults, or"
                        + " declare the table updateOnly()");
            }
            return options.isUpdateOnly() && missing.isEmpty() ? List.of("(declared updateOnly)") : missing;
        }
    }
}
