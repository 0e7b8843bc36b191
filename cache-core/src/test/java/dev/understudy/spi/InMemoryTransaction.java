package dev.understudy.spi;

import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.spi.Primary.Use;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A transaction of the in-memory twin: what was committed, and its own changes over it. Confined to one thread.
 *
 * <p>A lock or change takes the primary's lock for the row, which is held until the end; reads take none and see what is committed at that
 * moment (READ COMMITTED).
 */
final class InMemoryTransaction implements PrimaryConnection {
    private final InMemoryPrimary primary;
    private final InMemoryPrimary.Locks locks;
    private final Use use;
    private final Map<String, Map<Object, Optional<Object>>> changes = new HashMap<>();
    private final long endNanos;
    private long lockNanos;
    private long commitDeadlineMicros = Long.MAX_VALUE;

    InMemoryTransaction(InMemoryPrimary primary, InMemoryPrimary.Locks locks, Use use, Duration timeout) {
        this.primary = primary;
        this.locks = locks;
        this.use = use;
        this.endNanos = primary.nanoTime() + timeout.toNanos();
        this.lockNanos = use == Use.DRAIN ? InMemoryPrimary.DRAIN_LOCK_TIMEOUT.toNanos() : Long.MAX_VALUE;
    }

    static InMemoryTransaction of(PrimaryConnection connection) {
        return connection.unwrap(InMemoryTransaction.class);
    }

    @Override
    public <T> T unwrap(Class<T> type) {
        if (type != InMemoryTransaction.class) {
            throw new Invalid("the connection is an InMemoryTransaction, not a " + type.getName());
        }
        return type.cast(this);
    }

    InMemoryPrimary primary() {
        return primary;
    }

    Use use() {
        return use;
    }

    /** Waits for the row's lock, which {@link InMemoryPrimary} gives back. */
    void lock(String table, Object key) {
        long wait = Math.max(0, Math.min(lockNanos, endNanos - primary.nanoTime()));
        boolean isLocked = false;
        try {
            isLocked = locks.lock(this, table, key, wait);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (!isLocked) {
            throw new PrimaryFailure(
                    PrimaryFailure.Kind.TRANSIENT, "55P03", Outcome.NOT_APPLIED, "another transaction writes", null);
        }
    }

    void lockTimeout(Duration timeout) {
        lockNanos = Math.min(lockNanos, timeout.toNanos());
    }

    void commitBefore(long deadlineMicros) {
        commitDeadlineMicros = Math.min(commitDeadlineMicros, deadlineMicros);
    }

    long commitDeadlineMicros() {
        return commitDeadlineMicros;
    }

    Map<String, Map<Object, Optional<Object>>> changes() {
        return changes;
    }

    Optional<Object> get(String table, Object key) {
        Optional<Object> own = changes.getOrDefault(table, Map.of()).get(key);
        return own == null ? primary.committed(table, key) : own;
    }

    void put(String table, Object key, Object row) {
        lock(table, key);
        changes.computeIfAbsent(table, absent -> new LinkedHashMap<>()).put(key, Optional.of(row));
    }

    void remove(String table, Object key) {
        lock(table, key);
        changes.computeIfAbsent(table, absent -> new LinkedHashMap<>()).put(key, Optional.empty());
    }

    /** All rows, in the order of their insertion. */
    Map<Object, Object> all(String table) {
        Map<Object, Object> rows = primary.committed(table);
        changes.getOrDefault(table, Map.of())
                .forEach((key, row) -> row.ifPresentOrElse(present -> rows.put(key, present), () -> rows.remove(key)));
        return rows;
    }
}
