package dev.understudy.spi;

import dev.understudy.model.Invalid;
import dev.understudy.model.KeyFormat;
import dev.understudy.model.Outcome;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * The store's twin in memory: rows kept in the {@link InMemoryPrimary} whose connections it is called with. Thread-safe. With a
 * trigger it does what it does without one; direct writers are other calls of this store.
 */
public final class InMemoryStore<K, V> implements PrimaryStore<K, V> {
    private final String name;
    private final Class<K> keyType;
    private final Class<V> valueType;
    private final Versioning versioning;
    private final Function<V, K> keyOf;
    private final KeyFormat<K> format;
    private volatile UnaryOperator<V> trigger = UnaryOperator.identity();
    private volatile Predicate<V> poison = value -> false;
    private volatile Consumer<V> limit = value -> {};

    /** An empty table of that name. */
    public InMemoryStore(
            String name, Class<K> keyType, Class<V> valueType, Versioning versioning, Function<V, K> keyOf) {
        this.name = name;
        this.keyType = keyType;
        this.valueType = valueType;
        this.versioning = versioning;
        this.keyOf = keyOf;
        this.format = KeyFormat.of(keyType);
    }

    /** Changes every row that is stored, as a BEFORE trigger or a rounding column does. */
    public InMemoryStore<K, V> storing(UnaryOperator<V> change) {
        trigger = change;
        return this;
    }

    /** Refuses values as a constraint does, with SQLSTATE 23514. */
    public InMemoryStore<K, V> refusing(Predicate<V> isPoison) {
        poison = isPoison;
        return this;
    }

    /** What {@link #check} does. */
    public InMemoryStore<K, V> checking(Consumer<V> check) {
        limit = check;
        return this;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Class<K> keyType() {
        return keyType;
    }

    @Override
    public Class<V> valueType() {
        return valueType;
    }

    @Override
    public Versioning versioning() {
        return versioning;
    }

    @Override
    public K keyOf(V value) {
        return keyOf.apply(value);
    }

    @Override
    public void check(V value) {
        limit.accept(value);
    }

    @Override
    public Map<K, Row<V>> load(PrimaryConnection connection, Collection<K> keys) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        Map<K, Row<V>> rows = new LinkedHashMap<>();
        for (K key : keys) {
            row(transaction, key).ifPresent(row -> rows.put(key, row));
        }
        return rows;
    }

    @Override
    public Map<K, Row<V>> lock(PrimaryConnection connection, Collection<K> keys) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        for (K key : keys) {
            if (row(transaction, key).isPresent()) {
                transaction.lock(table(), format.text(key));
            }
        }
        return load(connection, keys);
    }

    @SuppressWarnings("unchecked")
    private Optional<Row<V>> row(InMemoryTransaction transaction, K key) {
        return transaction.get(table(), format.text(key)).map(row -> (Row<V>) row);
    }

    private String table() {
        return "table/" + name;
    }

    @Override
    public Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        Set<K> seen = new HashSet<>();
        for (Change<K, V> change : changes) {
            requireSound(change, seen);
        }
        List<Change<K, V>> ordered = new ArrayList<>(changes);
        ordered.sort(Comparator.comparing(change -> format.text(change.key())));
        Map<K, Applied<V>> applied = new LinkedHashMap<>();
        for (Change<K, V> change : ordered) {
            applied.put(change.key(), apply(transaction, change));
        }
        return applied;
    }

    private void requireSound(Change<K, V> change, Set<K> seen) {
        if (!seen.add(change.key())) {
            throw new Invalid("a key is changed twice in one call");
        }
        if (change.value().isPresent() && !keyOf.apply(change.value().get()).equals(change.key())) {
            throw new Invalid("a value has another key than its change");
        }
        Change.Guard guard = change.guard();
        boolean comparesVersions = guard instanceof Change.Guard.Older
                || guard instanceof Change.Guard.Exactly
                || guard instanceof Change.Guard.AtMost;
        if (comparesVersions && !versioning.isVersioned()) {
            throw new Invalid("table " + name + " has no version column, which guard " + guard + " needs");
        }
    }

    private Applied<V> apply(InMemoryTransaction transaction, Change<K, V> change) {
        // As at a server: a delete that finds no row locks nothing.
        if (change.value().isPresent() || row(transaction, change.key()).isPresent()) {
            transaction.lock(table(), format.text(change.key()));
        }
        Optional<Row<V>> row = row(transaction, change.key());
        Version current = row.map(Row::version).orElse(Version.ABSENT);
        if (!holds(change.guard(), change.version(), current)) {
            return new Applied.Refused<>(current);
        }
        String key = format.text(change.key());
        if (change.value().isEmpty()) {
            row.ifPresent(present -> transaction.remove(table(), key));
            return new Applied.Deleted<>(row.isPresent());
        }
        V value = change.value().get();
        if (poison.test(value)) {
            throw new PrimaryFailure(
                    PrimaryFailure.Kind.DATA, "23514", Outcome.NOT_APPLIED, "the primary refused a value", null);
        }
        Row<V> stored = new Row<>(trigger.apply(value), stamp(transaction, change.version(), current));
        transaction.put(table(), key, stored);
        return new Applied.Stored<>(stored);
    }

    private Version stamp(InMemoryTransaction transaction, Version proposed, Version current) {
        if (!versioning.isVersioned()) {
            return Version.UNVERSIONED;
        }
        boolean isStamp = proposed.value() <= Version.UNVERSIONED.value();
        Version sound = isStamp ? new Version(transaction.primary().nowMicros() | 1) : proposed;
        return sound.isAfter(current) ? sound : new Version((current.value() + 1) | 1);
    }

    private static boolean holds(Change.Guard guard, Version proposed, Version current) {
        if (guard instanceof Change.Guard.Missing) {
            return current.isAbsent();
        } else if (guard instanceof Change.Guard.Exists) {
            return !current.isAbsent();
        } else if (guard instanceof Change.Guard.Older) {
            return proposed.isAfter(current);
        } else if (guard instanceof Change.Guard.Exactly exactly) {
            return !current.isAbsent() && current.equals(exactly.version());
        } else if (guard instanceof Change.Guard.AtMost most) {
            return !current.isAfter(most.version());
        }
        return true;
    }
}
