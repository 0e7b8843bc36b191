package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a table as records. Thread-safe; options give a new table and leave this one as it is.
 *
 * <pre>{@code
 * PostgresTable.of(Product.class, "product").key(Product::id)
 * PostgresTable.of(OrderLine.class, "shop.order_line")
 *         .key(line -> new OrderLineId(line.orderId(), line.position()))
 *         .column("note", "remark")
 *         .versioning(Versioning.column("us_version"))
 * }</pre>
 *
 * <p>Each component of the record has a column, named as the component in snake case or by {@link #column}. Types: {@code
 * short}, {@code int}, {@code long} and their boxed forms (smallint, integer, bigint; the class at least as wide), String (text,
 * varchar, char, json, jsonb), BigDecimal (numeric), boolean, float (real), double (double precision), UUID, Instant and
 * OffsetDateTime (timestamptz), LocalDateTime (timestamp), LocalDate (date), byte[] (bytea), enums (enum types, text). Columns
 * that may be NULL need components that may be null. Columns without a component keep their defaults and are never changed.
 *
 * <p>The catalogue decides, in {@link #verify}: generated columns, and identities that are not the key, are read and never
 * written; an identity that is the key is written as given; a table with further NOT NULL columns without default must be
 * declared {@link #updateOnly}; a view, a foreign table or a table with row level security is refused. The key's columns must
 * be those of a primary key or unique index.
 *
 * <p>What {@link #apply} answers is the row as stored, with what defaults, generated columns and BEFORE triggers made of it;
 * what an AFTER trigger does to the row later is not seen.
 */
public final class PostgresTable<K, V> implements PrimaryStore<K, V> {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_-]{0,62}");

    /** Sets of columns whose statements are kept: one for each version of the application that runs, in practice. */
    private static final int PARTIAL_LIMIT = 16;

    private final RecordShape<V> record;
    private final KeyShape<K, V> keyShape;
    private final TableOptions options;
    private final String name;
    private volatile @Nullable Resolved<K, V> resolved;

    /** The table as verified, and the statements on all columns and on each set of components that some write carried. */
    private record Resolved<K, V>(
            TableMapping<K, V> mapping, TableStatements statements, Map<Set<String>, TableStatements> partial) {
        TableStatements of(Set<String> components) {
            if (partial.size() > PARTIAL_LIMIT) {
                partial.clear();
            }
            return partial.computeIfAbsent(
                    components,
                    carried -> new TableStatements(mapping, mapped -> carried.contains(mapping.component(mapped))));
        }
    }

    private PostgresTable(RecordShape<V> record, KeyShape<K, V> keyShape, TableOptions options, String name) {
        this.record = record;
        this.keyShape = keyShape;
        this.options = options;
        this.name = name;
    }

    /**
     * A table whose key is still to be said.
     *
     * @param type a record class
     * @param table {@code table} or {@code schema.table}, taken literally; a name with a dot of its own in double quotes
     */
    public static <V> Unkeyed<V> of(Class<V> type, String table) {
        return new Unkeyed<>(RecordShape.of(type), TableName.of(table));
    }

    /** A table whose key is still to be said. Immutable. */
    public static final class Unkeyed<V> {
        private final RecordShape<V> record;
        private final TableName table;

        private Unkeyed(RecordShape<V> record, TableName table) {
            this.record = record;
            this.table = table;
        }

        /**
         * The key: an accessor of the record, or a lambda that makes a key record, whose components are named as those of the
         * record that hold the same columns.
         */
        public <K> PostgresTable<K, V> key(KeyOf<V, K> key) {
            return keyed(KeyShape.of(record.type(), key));
        }

        /** The key, of a type that is given; a key of one column is then the primary key. */
        public <K> PostgresTable<K, V> key(Class<K> type, Function<V, K> key) {
            return keyed(KeyShape.of(type, key, Optional.empty()));
        }

        private <K> PostgresTable<K, V> keyed(KeyShape<K, V> keyShape) {
            TableOptions options = new TableOptions(table, Map.of(), Versioning.none(), false);
            return new PostgresTable<>(record, keyShape, options, table.table().toLowerCase(Locale.ROOT));
        }
    }

    /** The column of a component, where it is not the component's name in snake case. */
    public PostgresTable<K, V> column(String component, String column) {
        record.indexOf(component);
        Identifier.quoted("column", column);
        Map<String, String> columns = new HashMap<>(options.columns());
        if (columns.put(component, column) != null) {
            throw new Invalid("the column of component " + component + " is given twice");
        }
        return with(
                new TableOptions(options.table(), Map.copyOf(columns), options.versioning(), options.isUpdateOnly()));
    }

    /** How rows are ordered. Default {@link Versioning#none()}. */
    public PostgresTable<K, V> versioning(Versioning versioning) {
        if (versioning.isVersioned()) {
            Identifier.quoted("version column", versioning.column());
        }
        return with(new TableOptions(options.table(), options.columns(), versioning, options.isUpdateOnly()));
    }

    /**
     * Rows are updated and deleted, never inserted, as for a table with NOT NULL columns that have neither default nor
     * component. A change that would insert is refused with {@link Invalid} naming them; a drained write whose row has gone is
     * refused as superseded.
     */
    public PostgresTable<K, V> updateOnly() {
        return with(new TableOptions(options.table(), options.columns(), options.versioning(), true));
    }

    /** The repository's name, where it is not the table's in lower case. */
    public PostgresTable<K, V> name(String repository) {
        if (!NAME.matcher(repository).matches()) {
            throw new Invalid("repository name " + repository + " does not match " + NAME);
        }
        return new PostgresTable<>(record, keyShape, options, repository);
    }

    private PostgresTable<K, V> with(TableOptions changed) {
        return new PostgresTable<>(record, keyShape, changed, name);
    }

    @Override
    public String name() {
        if (!NAME.matcher(name).matches()) {
            throw new Invalid("table name " + name + " is no repository name (" + NAME + "): give one with name(...)");
        }
        return name;
    }

    @Override
    public Class<K> keyType() {
        return keyShape.type();
    }

    @Override
    public Class<V> valueType() {
        return record.type();
    }

    @Override
    public Versioning versioning() {
        return options.versioning();
    }

    @Override
    public K keyOf(V value) {
        return keyShape.of().apply(value);
    }

    /**
     * The version column, and the trigger where it is wanted, as a script for the team's migration tool; it may be run again.
     * Empty with {@link Versioning#none()}. A column with a constant default is added without rewriting the table.
     */
    public String migrationSql() {
        Versioning versioning = options.versioning();
        if (!versioning.isVersioned()) {
            return "";
        }
        String column = Identifier.quoted("version column", versioning.column());
        String sql = Migration.versionColumn(options.table().sql(), column) + "\n";
        return versioning.trigger() ? sql + Migration.trigger(options.table(), versioning.column()) + "\n" : sql;
    }

    /**
     * A trigger by which rows that others insert, update or delete are told to the cache within a second, as a script for the
     * team's migration tool; it may be run again. A TRUNCATE is not told. It goes with any {@link Versioning}. Those writers need the right to insert into
     * the library's table of notes ({@code us_invalidation}).
     *
     * @param primary whose table of notes is used
     * @throws Invalid if the columns of the key are not known: a key without component names needs {@link #verify} first
     */
    public String outboxTriggerSql(PostgresPrimary primary) {
        List<String> columns = new ArrayList<>();
        Resolved<K, V> known = resolved;
        if (known != null) {
            known.mapping().key().forEach(column -> columns.add(column.sql()));
        } else {
            for (KeyShape.Part part : keyShape.parts()) {
                String component = part.component()
                        .orElseThrow(() -> new Invalid("the columns of the key of " + options.table()
                                + " are not known yet: build the repository first, or give the key as an accessor"));
                columns.add(Identifier.quoted("column", options.column(component)));
            }
        }
        // Without the other trigger a writer who goes around the library leaves the version as it is: then it tells
        // nothing.
        boolean isStamped = options.versioning().trigger();
        String version = isStamped
                ? "NEW."
                        + Identifier.quoted(
                                "version column", options.versioning().column())
                : "0";
        return OutboxTrigger.sql(
                options.table(),
                primary.outboxTable(),
                name(),
                columns,
                keyShape.type().isRecord(),
                version);
    }

    /** Runs {@link #migrationSql()} in one transaction. */
    public void install(DataSource dataSource) {
        Migration.run(dataSource, migrationSql());
    }

    @Override
    public void check(V value) {
        Resolved<K, V> known = resolved;
        if (known == null) {
            throw new Invalid("table " + options.table() + " is not verified yet");
        }
        known.mapping().check(value);
    }

    @Override
    public void verify(PrimaryConnection connection) throws SQLException {
        resolve(PostgresConnection.of(connection));
    }

    private Resolved<K, V> resolved(PostgresConnection connection) throws SQLException {
        Resolved<K, V> known = resolved;
        return known == null ? resolve(connection) : known;
    }

    private Resolved<K, V> resolve(PostgresConnection connection) throws SQLException {
        Catalogue catalogue = Catalogue.read(connection, options.table());
        TableMapping<K, V> mapping = TableMapping.of(options, record, keyShape, catalogue);
        Resolved<K, V> now = new Resolved<>(mapping, new TableStatements(mapping), new ConcurrentHashMap<>());
        resolved = now;
        return now;
    }

    @Override
    public Map<K, Row<V>> load(PrimaryConnection connection, Collection<K> keys) throws SQLException {
        PostgresConnection postgres = PostgresConnection.of(connection);
        Resolved<K, V> now = resolved(postgres);
        List<K> distinct = List.copyOf(new LinkedHashSet<>(keys));
        if (distinct.size() == 1) {
            String[] parts = keyShape.parts().stream()
                    .map(part -> part.of(distinct.get(0)).toString())
                    .toArray(String[]::new);
            return rows(postgres, now, now.statements().loadOne(), parts);
        }
        return rows(postgres, now, now.statements().load(), distinct);
    }

    @Override
    public Map<K, Row<V>> lock(PrimaryConnection connection, Collection<K> keys) throws SQLException {
        PostgresConnection postgres = PostgresConnection.of(connection);
        Resolved<K, V> now = resolved(postgres);
        List<K> ordered = new ArrayList<>(new LinkedHashSet<>(keys));
        ordered.sort(TableWriter.byText(keyShape));
        return rows(postgres, now, now.statements().lockRows(), ordered);
    }

    private Map<K, Row<V>> rows(PostgresConnection connection, Resolved<K, V> now, String sql, List<K> keys)
            throws SQLException {
        if (keys.isEmpty()) {
            return Map.of();
        }
        String[] arrays = new String[keyShape.parts().size()];
        for (int i = 0; i < arrays.length; i++) {
            arrays[i] = now.mapping().keyArray(i, keys);
        }
        return rows(connection, now, sql, arrays);
    }

    private Map<K, Row<V>> rows(PostgresConnection connection, Resolved<K, V> now, String sql, String[] parameters)
            throws SQLException {
        Map<K, Row<V>> rows = new HashMap<>();
        connection.run(new Script()
                .read(
                        sql,
                        result -> {
                            Row<V> row = now.mapping().row(result, 1);
                            rows.put(keyOf(row.value()), row);
                        },
                        parameters));
        return rows;
    }

    @Override
    public Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws SQLException {
        if (changes.isEmpty()) {
            return Map.of();
        }
        PostgresConnection postgres = PostgresConnection.of(connection);
        Resolved<K, V> now = resolved(postgres);
        Map<Set<String>, List<Change<K, V>>> partial = new LinkedHashMap<>();
        List<Change<K, V>> whole = new ArrayList<>();
        for (Change<K, V> change : changes) {
            change.parts()
                    .ifPresentOrElse(
                            parts -> partial.computeIfAbsent(Set.copyOf(parts.keySet()), set -> new ArrayList<>())
                                    .add(change),
                            () -> whole.add(change));
        }
        TableWriter<K, V> all = new TableWriter<>(now.mapping(), now.statements(), postgres);
        if (partial.isEmpty()) {
            return all.apply(changes);
        }
        all.lock(changes);
        Map<K, Applied<V>> answers = new HashMap<>(all.apply(whole));
        for (Map.Entry<Set<String>, List<Change<K, V>>> each : partial.entrySet()) {
            requireKey(now.mapping(), each.getKey());
            answers.putAll(new TableWriter<>(now.mapping(), now.of(each.getKey()), postgres).apply(each.getValue()));
        }
        return answers;
    }

    private void requireKey(TableMapping<K, V> mapping, Set<String> carried) {
        for (TableMapping.Mapped key : mapping.key()) {
            if (!carried.contains(mapping.component(key))) {
                throw new Invalid("a change of parts does not carry key component " + mapping.component(key));
            }
        }
    }

    @Override
    public boolean writesParts() {
        return true;
    }
}
