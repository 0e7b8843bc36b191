package dev.understudy.adapters.postgres;

import dev.understudy.adapters.postgres.TableMapping.Mapped;
import dev.understudy.adapters.postgres.TableStatements.Condition;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Version;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Row;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Writes one list of changes. Confined to one thread, for one list.
 *
 * <p>Order: rows are locked in the order of the bytes of their keys' texts, by one ordered {@code FOR UPDATE} that travels in
 * front of the statements that write; a single row needs none, and neither does one ordered upsert of all. Guards are part of the statements that write. What a statement
 * did not write is looked at under lock afterwards: either its guard does not hold, which is the answer, or the row changed in
 * between, and it is tried again.
 *
 * <p>Bounds: one statement for each kind of guard, two for {@link Guard.AtMost} and for {@link Guard.Older} where the primary stamped the
 * version, however many rows.
 */
final class TableWriter<K, V> {
    /** A row that neither is written nor says why this often is kept from being written by something else. */
    private static final int ATTEMPTS = 5;

    private final TableMapping<K, V> mapping;
    private final TableStatements statements;
    private final PostgresConnection connection;
    private final Map<K, Applied<V>> settled = new HashMap<>();

    private enum Kind {
        DELETE_ANY,
        DELETE_OLDER,
        DELETE_EXACTLY,
        DELETE_AT_MOST,
        UPSERT,
        UPSERT_OLDER,
        /** The same for a version that the primary stamped: the trigger gives a row to insert another one, before it is compared. */
        UPSERT_OLDER_STAMPED,
        INSERT,
        UPDATE,
        UPDATE_OLDER,
        UPDATE_EXACTLY,
        UPDATE_AT_MOST,
        UPSERT_AT_MOST,
        /** A delete that is right only if there is nothing to delete. */
        NOTHING
    }

    private record Item<K, V>(Change<K, V> change, String text) {}

    TableWriter(TableMapping<K, V> mapping, TableStatements statements, PostgresConnection connection) {
        this.mapping = mapping;
        this.statements = statements;
        this.connection = connection;
    }

    Map<K, Applied<V>> apply(List<Change<K, V>> changes) throws SQLException {
        List<Item<K, V>> left = ordered(changes);
        for (int attempt = 0; !left.isEmpty(); attempt++) {
            if (attempt == ATTEMPTS) {
                throw suppressed();
            }
            write(left);
            left = unsettled(left);
            if (!left.isEmpty()) {
                look(left, attempt);
                left = unsettled(left);
            }
        }
        Map<K, Applied<V>> answers = new LinkedHashMap<>();
        changes.forEach(change -> answers.put(change.key(), answer(change)));
        return answers;
    }

    private Applied<V> answer(Change<K, V> change) {
        Applied<V> answer = settled.get(change.key());
        if (answer == null) {
            throw new IllegalStateException("a change was left without an answer");
        }
        return answer;
    }

    private List<Item<K, V>> unsettled(List<Item<K, V>> items) {
        return items.stream()
                .filter(item -> !settled.containsKey(item.change().key()))
                .toList();
    }

    private List<Item<K, V>> ordered(List<Change<K, V>> changes) {
        List<Item<K, V>> items = new ArrayList<>();
        Map<K, Boolean> seen = new HashMap<>();
        for (Change<K, V> change : changes) {
            if (seen.put(change.key(), true) != null) {
                throw new Invalid("a key is changed twice in one call");
            }
            Optional<V> value = change.value();
            if (value.isPresent() && !mapping.keyShape().of().apply(value.get()).equals(change.key())) {
                throw new Invalid("a value has another key than its change");
            }
            items.add(new Item<>(change, mapping.keyShape().format().text(change.key())));
        }
        items.sort(Comparator.comparing(Item::text, TableWriter::compareBytes));
        return items;
    }

    /** Locks the rows that are there, in order: before several lists are written one after the other. */
    void lock(List<Change<K, V>> changes) throws SQLException {
        connection.run(new Script().add(statements.lockAll(), keys(changes(ordered(changes)))));
    }

    /** The order in which rows are locked. */
    static <K> Comparator<K> byText(KeyShape<K, ?> keyShape) {
        return Comparator.comparing(keyShape.format()::text, TableWriter::compareBytes);
    }

    /** Order of the texts' bytes in UTF-8, which is that of their code points. */
    private static int compareBytes(String a, String b) {
        int shared = Math.min(a.length(), b.length());
        for (int i = 0; i < shared; i++) {
            char x = a.charAt(i);
            char y = b.charAt(i);
            if (x != y) {
                boolean isMixed = Character.isSurrogate(x) != Character.isSurrogate(y);
                return isMixed ? (Character.isSurrogate(x) ? 1 : -1) : Character.compare(x, y);
            }
        }
        return Integer.compare(a.length(), b.length());
    }

    private void write(List<Item<K, V>> items) throws SQLException {
        Map<Kind, List<Change<K, V>>> groups = new EnumMap<>(Kind.class);
        for (Item<K, V> item : items) {
            groups.computeIfAbsent(kind(item.change()), absent -> new ArrayList<>())
                    .add(item.change());
        }
        Script script = new Script();
        if (items.size() > 1 && !locksInOrder(groups.keySet())) {
            script.add(statements.lockAll(), keys(changes(items)));
        }
        groups.forEach((kind, group) -> add(script, kind, group));
        if (!script.isEmpty()) {
            connection.run(script);
        }
    }

    /** Whether the statements of these kinds lock every row, and in order: one upsert does, as it inserts or locks row by row. */
    private static boolean locksInOrder(Set<Kind> kinds) {
        return kinds.equals(Set.of(Kind.UPSERT)) || kinds.equals(Set.of(Kind.UPSERT_OLDER));
    }

    private void add(Script script, Kind kind, List<Change<K, V>> group) {
        switch (kind) {
            case DELETE_ANY -> delete(script, Condition.ANY, group);
            case DELETE_OLDER -> delete(script, Condition.OLDER, group);
            case DELETE_EXACTLY -> delete(script, Condition.EXACTLY, group);
            case DELETE_AT_MOST -> delete(script, Condition.AT_MOST, group);
            case UPSERT -> upsert(script, Condition.ANY, group);
            case UPSERT_OLDER -> upsert(script, Condition.OLDER, group);
            case INSERT -> insert(script, group);
            case UPDATE -> store(script, statements.update(Condition.ANY), group, false);
            case UPDATE_OLDER -> store(script, statements.update(Condition.OLDER), group, false);
            case UPDATE_EXACTLY -> store(script, statements.update(Condition.EXACTLY), group, true);
            case UPDATE_AT_MOST -> store(script, statements.update(Condition.AT_MOST), group, true);
            // Rows that the first statement updates are there, so that the second leaves them alone.
            case UPSERT_AT_MOST -> {
                store(script, statements.update(Condition.AT_MOST), group, true);
                insert(script, group);
            }
            case UPSERT_OLDER_STAMPED -> {
                store(script, statements.update(Condition.OLDER), group, false);
                insert(script, group);
            }
            case NOTHING -> {}
        }
    }

    private Kind kind(Change<K, V> change) {
        Guard guard = change.guard();
        boolean comparesVersions =
                guard instanceof Guard.Older || guard instanceof Guard.Exactly || guard instanceof Guard.AtMost;
        if (comparesVersions && mapping.version().isEmpty()) {
            throw new Invalid("table " + mapping.table() + " has no version column, which guard " + guard + " needs");
        }
        if (change.deletes()) {
            return guard instanceof Guard.Missing
                    ? Kind.NOTHING
                    : guard instanceof Guard.Older
                            ? Kind.DELETE_OLDER
                            : guard instanceof Guard.Exactly
                                    ? Kind.DELETE_EXACTLY
                                    : guard instanceof Guard.AtMost ? Kind.DELETE_AT_MOST : Kind.DELETE_ANY;
        }
        if (guard instanceof Guard.Exists) {
            return Kind.UPDATE;
        } else if (guard instanceof Guard.Exactly) {
            return Kind.UPDATE_EXACTLY;
        } else if (mapping.isUpdateOnly()) {
            return updateOnly(guard);
        } else if (guard instanceof Guard.Missing) {
            return Kind.INSERT;
        } else if (guard instanceof Guard.Older) {
            return change.version().isStamped() ? Kind.UPSERT_OLDER_STAMPED : Kind.UPSERT_OLDER;
        }
        return guard instanceof Guard.AtMost ? Kind.UPSERT_AT_MOST : Kind.UPSERT;
    }

    private Kind updateOnly(Guard guard) {
        if (guard instanceof Guard.Missing) {
            throw notInsertable();
        } else if (guard instanceof Guard.Older) {
            return Kind.UPDATE_OLDER;
        }
        return guard instanceof Guard.AtMost ? Kind.UPDATE_AT_MOST : Kind.UPDATE;
    }

    private Invalid notInsertable() {
        return Catalogue.refusal("table " + mapping.table() + " takes no new rows, because of "
                + String.join(", ", mapping.uninsertable()));
    }

    private void upsert(Script script, Condition condition, List<Change<K, V>> group) {
        if (group.size() == 1) {
            read(script, statements.upsertOne(condition), values(group.get(0)));
        } else {
            store(script, statements.upsert(condition), group, false);
        }
    }

    private void insert(Script script, List<Change<K, V>> group) {
        if (group.size() == 1) {
            read(script, statements.insertOne(), values(group.get(0)));
        } else {
            store(script, statements.insert(), group, false);
        }
    }

    /** The parameters of a statement for one row. */
    private List<@Nullable String> values(Change<K, V> change) {
        List<@Nullable String> values = new ArrayList<>();
        for (Mapped mapped : statements.inserted()) {
            values.add(mapping.text(mapped, change));
        }
        if (mapping.version().isPresent()) {
            String version = Long.toString(change.version().value());
            values.add(version);
            values.add(version);
        }
        return values;
    }

    private void store(Script script, String sql, List<Change<K, V>> group, boolean withGuards) {
        List<@Nullable String> arrays = new ArrayList<>();
        for (Mapped mapped : statements.inserted()) {
            arrays.add(mapping.array(mapped, group));
        }
        if (mapping.version().isPresent()) {
            arrays.add(versions(group, Change::version));
        }
        if (withGuards) {
            arrays.add(versions(group, TableWriter::compared));
        }
        read(script, sql, arrays);
    }

    private void read(Script script, String sql, List<@Nullable String> parameters) {
        script.read(
                sql,
                result -> {
                    Row<V> row = mapping.row(result, 1);
                    settled.put(mapping.keyShape().of().apply(row.value()), new Applied.Stored<>(row));
                },
                parameters.toArray(new @Nullable String[0]));
    }

    private void delete(Script script, Condition condition, List<Change<K, V>> group) {
        String[] parameters = keys(group);
        if (condition != Condition.ANY) {
            String versions = versions(group, TableWriter::compared);
            parameters =
                    Stream.concat(Stream.of(parameters), Stream.of(versions)).toArray(String[]::new);
        }
        script.read(
                statements.delete(condition),
                result -> settled.put(group.get(result.getInt(1) - 1).key(), new Applied.Deleted<>(true)),
                parameters);
    }

    private static <K, V> String versions(List<Change<K, V>> group, Function<Change<K, V>, Version> version) {
        return Literals.array(
                group, change -> Long.toString(version.apply(change).value()));
    }

    /** The version that a guard compares the row's with. */
    private static Version compared(Change<?, ?> change) {
        if (change.guard() instanceof Guard.Exactly exactly) {
            return exactly.version();
        }
        return change.guard() instanceof Guard.AtMost most ? most.version() : change.version();
    }

    private static <K, V> List<Change<K, V>> changes(List<Item<K, V>> items) {
        return items.stream().map(Item::change).toList();
    }

    private String[] keys(List<Change<K, V>> changes) {
        List<K> keys = changes.stream().map(Change::key).toList();
        String[] arrays = new String[mapping.key().size()];
        for (int i = 0; i < arrays.length; i++) {
            arrays[i] = mapping.keyArray(i, keys);
        }
        return arrays;
    }

    /** Settles what was not written because its guard does not hold. */
    private void look(List<Item<K, V>> items, int attempt) throws SQLException {
        Map<Integer, Version> found = new HashMap<>();
        boolean isLookNeeded = items.stream().anyMatch(item -> needsLook(item.change()));
        if (isLookNeeded) {
            connection.run(new Script()
                    .read(
                            statements.lockVersions(),
                            row -> found.put(row.getInt(1), new Version(row.getLong(2))),
                            keys(changes(items))));
        }
        for (int i = 0; i < items.size(); i++) {
            Change<K, V> change = items.get(i).change();
            Version current = found.getOrDefault(i + 1, Version.ABSENT);
            Optional<Applied<V>> answer = verdict(change, current);
            answer.ifPresent(applied -> settled.put(change.key(), applied));
            boolean isSuppressed = answer.isEmpty() && attempt > 0 && !current.isAbsent();
            if (isSuppressed) {
                // Locked since the last look, and yet not written.
                throw suppressed();
            }
        }
    }

    private PrimaryFailure suppressed() {
        return new PrimaryFailure(
                PrimaryFailure.Kind.DATA,
                "02000",
                Outcome.NOT_APPLIED,
                "a trigger or rule of " + mapping.table() + " kept a row from being written, or changed its key",
                null);
    }

    /** An unguarded delete, or one of a row that must exist, that found nothing has its answer already. */
    private static boolean needsLook(Change<?, ?> change) {
        boolean isSimple = change.guard() instanceof Guard.None || change.guard() instanceof Guard.Exists;
        return !change.deletes() || !isSimple;
    }

    /** The answer to a change that was not written, given the row's version; empty if its guard does hold. */
    private Optional<Applied<V>> verdict(Change<K, V> change, Version current) {
        Guard guard = change.guard();
        if (!holds(guard, change.version(), current)) {
            return Optional.of(new Applied.Refused<>(current));
        }
        if (!current.isAbsent()) {
            return Optional.empty();
        }
        if (change.deletes()) {
            return Optional.of(new Applied.Deleted<>(false));
        }
        if (!mapping.isUpdateOnly()) {
            return Optional.empty();
        }
        // The drain's guards: nothing to update is an answer, not a mistake of the caller's.
        boolean isDrain = guard instanceof Guard.Older
                || (guard instanceof Guard.AtMost most && most.version().isAbsent());
        if (isDrain) {
            return Optional.of(new Applied.Refused<>(Version.ABSENT));
        }
        throw notInsertable();
    }

    private static boolean holds(Guard guard, Version proposed, Version current) {
        if (guard instanceof Guard.None) {
            return true;
        } else if (guard instanceof Guard.Missing) {
            return current.isAbsent();
        } else if (guard instanceof Guard.Exists) {
            return !current.isAbsent();
        } else if (guard instanceof Guard.Older) {
            return current.isAbsent() || proposed.isAfter(current);
        } else if (guard instanceof Guard.Exactly exactly) {
            return current.equals(exactly.version()) && !current.isAbsent();
        }
        return current.isAbsent() || !current.isAfter(((Guard.AtMost) guard).version());
    }
}
