package dev.understudy.adapters.postgres;

import dev.understudy.adapters.postgres.TableMapping.Mapped;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * The statements on one table, made once. Immutable.
 *
 * <p>Many rows travel as one array per column, taken apart by {@code unnest} with their position {@code n}, so that the text
 * is the same for any number of rows. {@code n} is also the order in which rows are locked: that of the keys' canonical texts.
 */
final class TableStatements {
    /** What a guarded statement asks of the row's version, before it writes. */
    enum Condition {
        /** Nothing. */
        ANY,
        /** Below the proposed version. */
        OLDER,
        /** Equal to the version given with the row. */
        EXACTLY,
        /** At most the version given with the row. */
        AT_MOST
    }

    private static final String STAMP = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint | 1";

    private final TableMapping<?, ?> mapping;
    private final List<Mapped> inserted;
    private final List<Mapped> updated;
    private final String table;
    private final String selected;
    private final String keyMatch;
    private final String keyList;
    private final boolean isVersioned;
    private final String version;
    private final String loadOne;
    private final String load;
    private final String lockRows;
    private final String lockVersions;
    private final String insert;
    private final String insertOne;
    private final String lockAll;
    private final Map<Condition, String> upserts = new EnumMap<>(Condition.class);
    private final Map<Condition, String> upsertsOne = new EnumMap<>(Condition.class);
    private final Map<Condition, String> updates = new EnumMap<>(Condition.class);
    private final Map<Condition, String> deletes = new EnumMap<>(Condition.class);

    TableStatements(TableMapping<?, ?> mapping) {
        this(mapping, mapped -> true);
    }

    /** Statements that write only some of the columns, the key's among them; they read all. */
    TableStatements(TableMapping<?, ?> mapping, Predicate<Mapped> carried) {
        this.mapping = mapping;
        inserted = mapping.columns(mapped -> mapped.isInserted() && carried.test(mapped));
        updated = mapping.columns(mapped -> mapped.isUpdated() && carried.test(mapped));
        table = mapping.table();
        isVersioned = mapping.version().isPresent();
        version = mapping.version().orElse("");
        List<String> columns = new ArrayList<>();
        mapping.columns().forEach(mapped -> columns.add("t." + mapped.sql()));
        if (isVersioned) {
            columns.add("t." + version);
        }
        selected = String.join(", ", columns);
        keyList = join(mapping.key(), ", ", Mapped::sql);
        List<String> matches = new ArrayList<>();
        for (int i = 0; i < mapping.key().size(); i++) {
            matches.add("t." + mapping.key().get(i).sql() + " = s.k" + i);
        }
        keyMatch = String.join(" AND ", matches);
        loadOne = makeLoadOne();
        load = makeLoad();
        lockRows = makeLockRows();
        lockVersions = makeLockVersions();
        lockAll = "SELECT count(*) FROM (" + lockVersions + ") AS locked";
        insert = insertInto() + selectSource() + onConflictNothing();
        insertOne = insertInto() + values() + onConflictNothing();
        for (Condition condition : Condition.values()) {
            if (condition == Condition.ANY || isVersioned) {
                upserts.put(condition, insertInto() + selectSource() + onConflictUpdate(condition));
                upsertsOne.put(condition, insertInto() + values() + onConflictUpdate(condition));
                updates.put(condition, makeUpdate(condition));
                deletes.put(condition, makeDelete(condition));
            }
        }
    }

    private static String of(Map<Condition, String> statements, Condition condition) {
        String statement = statements.get(condition);
        if (statement == null) {
            throw new IllegalStateException("without a version column there is no condition " + condition);
        }
        return statement;
    }

    private static <T> String join(List<T> parts, String separator, Function<T, String> text) {
        return parts.stream().map(text).collect(Collectors.joining(separator));
    }

    /** The columns that an insert names, whose arrays {@link #source} takes. */
    List<Mapped> inserted() {
        return inserted;
    }

    /** The row of one key; parameters: the key's parts. */
    String loadOne() {
        return loadOne;
    }

    private String makeLoadOne() {
        List<String> matches = new ArrayList<>();
        for (int i = 0; i < mapping.key().size(); i++) {
            matches.add("t." + mapping.key().get(i).sql() + " = ?::" + mapping.keyCast(i));
        }
        return "SELECT " + selected + " FROM " + table + " AS t WHERE " + String.join(" AND ", matches);
    }

    /** The rows of keys; parameters: an array per key part. */
    String load() {
        return load;
    }

    private String makeLoad() {
        // A comparison with a text that is cast would read the whole array again for each row.
        if (mapping.key().size() == 1 && ParameterTypes.isKnown(mapping.keyCast(0))) {
            return "SELECT " + selected + " FROM " + table + " AS t WHERE t."
                    + mapping.key().get(0).sql() + " = ANY (?::" + mapping.keyCast(0) + "[])";
        }
        return "SELECT " + selected + " FROM " + keys(false) + " JOIN " + table + " AS t ON " + keyMatch;
    }

    /** As {@link #load}, locked in order. */
    String lockRows() {
        return lockRows;
    }

    private String makeLockRows() {
        return "SELECT " + selected + " FROM " + keys(false) + " JOIN " + table + " AS t ON " + keyMatch
                + " ORDER BY s.n FOR UPDATE OF t";
    }

    /** Locks rows in order; result: position and version. */
    String lockVersions() {
        return lockVersions;
    }

    private String makeLockVersions() {
        return "SELECT s.n, " + (isVersioned ? "t." + version : "1::bigint") + " FROM " + keys(false) + " JOIN " + table
                + " AS t ON " + keyMatch + " ORDER BY s.n FOR UPDATE OF t";
    }

    /** As {@link #lockVersions}, for a result that nobody reads: their number. */
    String lockAll() {
        return lockAll;
    }

    /** Keys, and versions if so: parameters are an array per key part, then the versions. */
    private String keys(boolean withVersions) {
        StringBuilder arrays = new StringBuilder("unnest(");
        StringBuilder names = new StringBuilder(" WITH ORDINALITY AS s(");
        for (int i = 0; i < mapping.key().size(); i++) {
            arrays.append(i == 0 ? "" : ", ")
                    .append("?::")
                    .append(mapping.keyCast(i))
                    .append("[]");
            names.append("k").append(i).append(", ");
        }
        if (withVersions) {
            arrays.append(", ?::bigint[]");
            names.append("v, ");
        }
        return arrays.append(")").append(names).append("n)").toString();
    }

    /** Whole rows: parameters are an array per inserted column, then proposed versions, then versions to compare with. */
    private String source(boolean withGuards) {
        StringBuilder arrays = new StringBuilder("unnest(");
        StringBuilder names = new StringBuilder(" WITH ORDINALITY AS s(");
        for (int i = 0; i < inserted.size(); i++) {
            arrays.append(i == 0 ? "" : ", ")
                    .append("?::")
                    .append(inserted.get(i).type().cast())
                    .append("[]");
            names.append("c").append(i).append(", ");
        }
        if (isVersioned) {
            arrays.append(", ?::bigint[]");
            names.append("v, ");
        }
        if (withGuards) {
            arrays.append(", ?::bigint[]");
            names.append("g, ");
        }
        return arrays.append(")").append(names).append("n)").toString();
    }

    private String sourceMatch() {
        return join(mapping.key(), " AND ", key -> "t." + key.sql() + " = s.c" + inserted.indexOf(key));
    }

    private String insertInto() {
        List<String> columns = new ArrayList<>();
        inserted.forEach(mapped -> columns.add(mapped.sql()));
        if (isVersioned) {
            columns.add(version);
        }
        boolean isOverriding =
                inserted.stream().anyMatch(mapped -> mapped.column().isIdentityAlways());
        return "INSERT INTO " + table + " AS t (" + String.join(", ", columns) + ")"
                + (isOverriding ? " OVERRIDING SYSTEM VALUE" : "");
    }

    /** The rows to insert, in order; parameters as for {@link #source}. */
    private String selectSource() {
        List<String> values = new ArrayList<>();
        for (int i = 0; i < inserted.size(); i++) {
            values.add("s.c" + i);
        }
        if (isVersioned) {
            values.add(stamped("s.v"));
        }
        return " SELECT " + String.join(", ", values) + " FROM " + source(false) + " ORDER BY s.n";
    }

    /** The one row to insert; parameters: a value for each inserted column, then the proposed version, twice. */
    private String values() {
        List<String> values = new ArrayList<>();
        inserted.forEach(mapped -> values.add("?::" + mapped.type().cast()));
        if (isVersioned) {
            values.add(stamped("?::bigint"));
        }
        return " VALUES (" + String.join(", ", values) + ")";
    }

    /** The version of a new row: 0 means absent and 1 unversioned, no version of a row that is stamped. */
    private static String stamped(String proposed) {
        return "CASE WHEN " + proposed + " > 1 THEN " + proposed + " ELSE " + STAMP + " END";
    }

    /** Inserts or updates; result: the rows as stored. Conditions other than ANY and OLDER need {@link #update}. */
    String upsert(Condition condition) {
        return of(upserts, condition);
    }

    /** As {@link #upsert} for one row; parameters as for {@link #values}. */
    String upsertOne(Condition condition) {
        return of(upsertsOne, condition);
    }

    private String onConflictUpdate(Condition condition) {
        return " ON CONFLICT (" + keyList + ") DO UPDATE SET "
                + assignments(mapped -> "excluded." + mapped.sql(), "excluded." + version)
                + (condition == Condition.OLDER ? " WHERE t." + version + " < excluded." + version : "")
                + " RETURNING " + selected;
    }

    /** Inserts what is not there; result: the rows as stored. */
    String insert() {
        return insert;
    }

    /** As {@link #insert} for one row; parameters as for {@link #values}. */
    String insertOne() {
        return insertOne;
    }

    private String onConflictNothing() {
        return " ON CONFLICT (" + keyList + ") DO NOTHING RETURNING " + selected;
    }

    /** Updates what is there; result: the rows as stored. Parameters as for {@link #source}, with guards if needed. */
    String update(Condition condition) {
        return of(updates, condition);
    }

    private String makeUpdate(Condition condition) {
        boolean withGuards = condition == Condition.EXACTLY || condition == Condition.AT_MOST;
        return "UPDATE " + table + " AS t SET "
                + assignments(mapped -> "s.c" + inserted.indexOf(mapped), "s.v")
                + " FROM " + source(withGuards) + " WHERE " + sourceMatch() + where(condition) + " RETURNING "
                + selected;
    }

    /** Deletes; parameters: an array per key part, then versions if the condition needs them; result: position. */
    String delete(Condition condition) {
        return of(deletes, condition);
    }

    private String makeDelete(Condition condition) {
        String compared = switch (condition) {
            case ANY -> "";
            case OLDER -> " AND t." + version + " < s.v";
            case EXACTLY -> " AND t." + version + " = s.v";
            case AT_MOST -> " AND t." + version + " <= s.v";
        };
        return "DELETE FROM " + table + " AS t USING " + keys(condition != Condition.ANY) + " WHERE " + keyMatch
                + compared + " RETURNING s.n";
    }

    private String where(Condition condition) {
        return switch (condition) {
            case ANY -> "";
            case OLDER -> " AND t." + version + " < s.v";
            case EXACTLY -> " AND t." + version + " = s.g";
            case AT_MOST -> " AND t." + version + " <= s.g";
        };
    }

    private String assignments(Function<Mapped, String> value, String proposed) {
        List<String> assignments = new ArrayList<>();
        updated.forEach(mapped -> assignments.add(mapped.sql() + " = " + value.apply(mapped)));
        if (isVersioned) {
            assignments.add(version + " = CASE WHEN " + proposed + " > t." + version + " THEN " + proposed + " ELSE (t."
                    + version + " + 1) | 1 END");
        }
        if (assignments.isEmpty()) {
            // Nothing but the key: the row is written as it is, so that RETURNING gives it.
            Mapped key = mapping.key().get(0);
            assignments.add(key.sql() + " = t." + key.sql());
        }
        return String.join(", ", assignments);
    }
}
