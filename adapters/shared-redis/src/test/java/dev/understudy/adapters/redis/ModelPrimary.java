package dev.understudy.adapters.redis;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A model of Postgres: rows with versions, row locks, tombstones written with each delete (rule 6), a change feed. With a
 * trigger it appends an exclamation mark to some values, with or without a new version, and refuses others for ever. Not
 * thread-safe.
 */
final class ModelPrimary {
    /** How long tombstones are kept, at least. */
    static final long RETENTION_MICROS = 120_000_000;

    /** A row as stored. */
    record Row(long version, String value) {}

    /** One commit as the feed tells it; version 0 is unknown. */
    record Commit(String key, long version) {}

    /** What became of a pending record: the word for DRAINED, whether a row changed, and the row if it differs from what was sent. */
    record Drained(
            String outcome, boolean changed, @Nullable Row corrected) {}

    private record Tombstone(long version, long at) {}

    private final boolean versioned;
    private final boolean trigger;
    private final boolean checksTombstones;
    private final Map<String, Row> rows = new HashMap<>();
    private final Map<String, List<Tombstone>> tombstones = new HashMap<>();
    private final Set<String> locked = new HashSet<>();
    private final Deque<Commit> feed = new ArrayDeque<>();

    ModelPrimary(boolean versioned, boolean trigger, boolean checksTombstones) {
        this.versioned = versioned;
        this.trigger = trigger;
        this.checksTombstones = checksTombstones;
    }

    @Nullable
    Row row(String key) {
        return rows.get(key);
    }

    boolean isLocked(String key) {
        return locked.contains(key);
    }

    void lock(String key) {
        locked.add(key);
    }

    void unlock(String key) {
        locked.remove(key);
    }

    Deque<Commit> feed() {
        return feed;
    }

    /** The version that the stamp trigger gives an upsert: the proposal if it is newer, else an odd one. */
    long stamp(String key, long proposed) {
        Row row = rows.get(key);
        return !versioned ? 1 : row == null || proposed > row.version ? proposed : row.version + 1 | 1;
    }

    /** The version that a writer who proposes none gets. */
    long stampDirect(String key, long now) {
        Row row = rows.get(key);
        return !versioned ? 1 : Math.max(now, row == null ? 0 : row.version + 1) | 1;
    }

    /** Stores a row; what is stored may differ. */
    Row put(String key, long version, String value) {
        Row row = new Row(version, value);
        if (trigger && value.hashCode() % 3 == 0) {
            row = new Row(value.hashCode() % 2 == 0 ? version : version + 1 | 1, value + "!");
        }
        rows.put(key, row);
        feed.add(new Commit(key, versioned ? row.version : 0));
        return row;
    }

    /** Deletes a row and writes a tombstone. */
    void delete(String key, long version, long now) {
        tombstones.computeIfAbsent(key, k -> new ArrayList<>()).add(new Tombstone(version, now));
        if (rows.remove(key) != null) {
            feed.add(new Commit(key, 0));
        }
    }

    /** The newest tombstone's version, or 0. */
    long tombstone(String key, long now) {
        return tombstones.getOrDefault(key, List.of()).stream()
                .filter(t -> t.at >= now - RETENTION_MICROS)
                .mapToLong(Tombstone::version)
                .max()
                .orElse(0);
    }

    /** Whether the primary refuses that value for ever. */
    boolean isPoison(String value) {
        return trigger && value.hashCode() % 11 == 0;
    }

    /** One row of the drain's transaction; null value: a delete. */
    Drained drain(String key, long version, @Nullable String value, long now) {
        Row row = rows.get(key);
        if (value == null) {
            if (row != null && row.version >= version) {
                return new Drained("superseded", false, null);
            }
            delete(key, version, now);
            return new Drained("applied", row != null, null);
        }
        if (checksTombstones && tombstone(key, now) > version) {
            return new Drained("superseded", false, null);
        }
        if (isPoison(value)) {
            return new Drained("dead", false, null);
        }
        if (row == null || row.version < version) {
            Row stored = put(key, version, value);
            return new Drained("applied", true, stored.equals(new Row(version, value)) ? null : stored);
        }
        if (row.version > version) {
            return new Drained("superseded", false, null);
        }
        return new Drained("applied", false, row.value.equals(value) ? null : row);
    }
}
