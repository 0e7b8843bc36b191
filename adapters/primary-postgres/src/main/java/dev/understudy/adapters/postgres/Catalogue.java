package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What Postgres' catalogue says of one table, read in one round trip. Immutable.
 *
 * @param schema the schema that the name resolved to
 * @param table the table's name
 * @param columns by name, in the table's order
 * @param keys the column sets that an upsert can name, the primary key first
 * @param triggers BEFORE INSERT OR UPDATE triggers that fire for each row without condition
 */
record Catalogue(
        String schema, String table, Map<String, Column> columns, List<List<String>> keys, List<Trigger> triggers) {
    /**
     * A column.
     *
     * @param typeSchema the schema of the type
     * @param type the type's name in the catalogue; of a domain, that of what it is made from
     * @param declared the type as Postgres writes it, for messages
     * @param modifier length, precision and scale as the catalogue packs them; -1 without
     * @param isEnum whether it is an enum type, with these labels
     * @param defaultSql the default as an expression; empty without one
     * @param isIdentityAlways whether only OVERRIDING SYSTEM VALUE writes it
     * @param isGenerated whether Postgres computes it
     * @param isDeterministic whether equal texts are equal bytes
     */
    record Column(
            String name,
            String typeSchema,
            String type,
            String declared,
            int modifier,
            boolean isEnum,
            Set<String> labels,
            boolean isNotNull,
            boolean hasDefault,
            String defaultSql,
            boolean isIdentity,
            boolean isIdentityAlways,
            boolean isGenerated,
            boolean isDeterministic) {
        /** Whether an insert that does not name it works. */
        boolean mayBeOmitted() {
            return !isNotNull || hasDefault || isIdentity || isGenerated;
        }
    }

    /** A trigger with the body of its function. */
    record Trigger(String name, boolean isEnabled, String body) {}

    private static final String TABLE = """
            SELECT n.nspname, c.relname, c.relkind::text, c.relpersistence::text, c.relrowsecurity
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE c.oid = to_regclass(?::text)""";
    private static final String COLUMNS = """
            SELECT a.attname, bn.nspname, b.typname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
              b.typtype = 'e', a.attnotnull OR t.typnotnull, a.atthasdef OR t.typdefault IS NOT NULL,
              coalesce(pg_get_expr(d.adbin, d.adrelid), ''), a.attidentity::text, a.attgenerated::text <> '', coalesce(co.collisdeterministic, true),
              ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = b.oid ORDER BY e.enumsortorder)
            FROM pg_catalog.pg_attribute a
            JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
            JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
            JOIN pg_catalog.pg_namespace bn ON bn.oid = b.typnamespace
            LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
            WHERE a.attrelid = to_regclass(?::text) AND a.attnum > 0 AND NOT a.attisdropped
            ORDER BY a.attnum""";
    private static final String KEYS = """
            SELECT ARRAY(SELECT a.attname::text FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k(attnum, n)
              JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
              WHERE k.n <= i.indnkeyatts ORDER BY k.n)
            FROM pg_catalog.pg_index i
            WHERE i.indrelid = to_regclass(?::text) AND i.indisunique AND i.indimmediate AND i.indisvalid
              AND i.indpred IS NULL AND i.indexprs IS NULL
            ORDER BY i.indisprimary DESC, i.indexrelid""";
    /** Type 23: for each row (1), before (2), insert (4), update (16). */
    private static final String TRIGGERS = """
            SELECT g.tgname, g.tgenabled IN ('O', 'A'), p.prosrc
            FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
            WHERE g.tgrelid = to_regclass(?::text) AND NOT g.tgisinternal AND g.tgtype = 23 AND g.tgqual IS NULL
              AND cardinality(g.tgattr::smallint[]) = 0""";

    /** Reads the table's entry. Refuses what is not a table of its own, and row level security. */
    static Catalogue read(PostgresConnection connection, TableName name) throws SQLException {
        Found found = new Found();
        String path = name.sql();
        connection.run(new Script()
                .read(
                        TABLE,
                        row -> {
                            found.schema = Optional.of(row.getString(1));
                            found.table = row.getString(2);
                            found.kind = row.getString(3);
                            found.isTemporary = row.getString(4).equals("t");
                            found.isRowSecurity = row.getBoolean(5);
                        },
                        path)
                .read(
                        COLUMNS,
                        row -> {
                            Column column = new Column(
                                    row.getString(1),
                                    row.getString(2),
                                    row.getString(3),
                                    row.getString(4),
                                    row.getInt(5),
                                    row.getBoolean(6),
                                    new HashSet<>(
                                            List.of((String[]) row.getArray(13).getArray())),
                                    row.getBoolean(7),
                                    row.getBoolean(8),
                                    row.getString(9),
                                    !row.getString(10).isEmpty(),
                                    row.getString(10).equals("a"),
                                    row.getBoolean(11),
                                    row.getBoolean(12));
                            found.columns.put(column.name(), column);
                        },
                        path)
                .read(
                        KEYS,
                        row -> found.keys.add(List.of((String[]) row.getArray(1).getArray())),
                        path)
                .read(
                        TRIGGERS,
                        row -> found.triggers.add(new Trigger(row.getString(1), row.getBoolean(2), row.getString(3))),
                        path));
        return found.checked(name);
    }

    private static final class Found {
        Optional<String> schema = Optional.empty();
        String table = "";
        String kind = "";
        boolean isTemporary;
        boolean isRowSecurity;
        final Map<String, Column> columns = new LinkedHashMap<>();
        final List<List<String>> keys = new ArrayList<>();
        final List<Trigger> triggers = new ArrayList<>();

        Catalogue checked(TableName name) {
            String where = schema.orElseThrow(() -> refusal("table " + name
                    + " does not exist, or is not on the search path, or its schema may not be used by this role"));
            if (!kind.equals("r") && !kind.equals("p")) {
                throw refusal(name + " is " + kindName() + ", not a table");
            }
            if (isTemporary) {
                throw refusal("table " + name + " is temporary: other connections do not see it");
            }
            if (isRowSecurity) {
                throw refusal("table " + name + " has row level security: what a role may see would differ from what is"
                        + " cached for all");
            }
            return new Catalogue(
                    where, table, Collections.unmodifiableMap(columns), List.copyOf(keys), List.copyOf(triggers));
        }

        private String kindName() {
            return switch (kind) {
                case "v" -> "a view";
                case "m" -> "a materialized view";
                case "f" -> "a foreign table";
                case "S" -> "a sequence";
                case "i", "I" -> "an index";
                default -> "an object of kind " + kind;
            };
        }
    }

    /** What the primary's catalogue does not allow. */
    static Invalid refusal(String message) {
        return new Invalid(message, null, Tier.PRIMARY);
    }

    /** The name with its schema, as SQL. */
    String sql() {
        return new TableName(schema, table).sql();
    }
}
