package dev.understudy.engine;

import dev.understudy.model.Invalid;
import dev.understudy.model.OnConflict;
import dev.understudy.model.Version;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Codec;
import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.DrainLedger.DeadLetter;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.Pending;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.Row;
import dev.understudy.spi.SharedCommand.Correction;
import dev.understudy.spi.SharedCommand.Fate;
import dev.understudy.spi.SharedEntry;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes peeked entries to the primary: one transaction for all, split where one of them stands in the way. Confined to the drain's thread.
 *
 * <h2>Ordering</h2>
 * The transaction first locks its shards' rows and compares the epochs; a shard that went to another owner is left out. Upserts carry the
 * version guard; one below a tombstone of its key was overtaken by a delete and counts as superseded. An entry that carries not all columns
 * of this version of the application changes those that it carries; one that carries others is left to instances that know them. Where
 * conflicts are detected, the rows are locked and compared with the entries' bases first ({@link BaseCheck}).
 *
 * <h2>Failure</h2>
 * Only data errors are the row's fault: halves are tried until the row stands alone, and it is recorded in the dead letters. A locked row is
 * isolated the same way and left for the next round. Everything else fails the batch.
 */
final class DrainBatch<K, V> {
    /** Refused rows of one batch that are taken for bad data, at most; beyond them a tenth of the batch. */
    private static final int MASS = 10;

    private static final String CONFLICT = "the row was changed around the cache after this write's base was read";
    /** No row has a version as low as that, so that the change is made only if there is none. */
    private static final Change.Guard NO_ROW = new Change.Guard.AtMost(Version.ABSENT);

    private final CacheContext<K, V> context;
    private final ShardLeases<K, V> leases;
    private final Orphans orphans;
    private final Map<Integer, Long> epochs;
    private final Map<Item<K, V>, Result> results = new LinkedHashMap<>();
    private final Map<Item<K, V>, PrimaryFailure> refused = new LinkedHashMap<>();
    private final Deadline locksUntil;
    private boolean gaveUp;
    /** Of the entries that are written together. */
    private int refusedTogether;

    /** By key text, of the entries that were fenced last. */
    private Map<String, Version> tombstones = Map.of();

    private BooleanSupplier goesOn = () -> true;
    private final Map<Integer, Integer> left = new LinkedHashMap<>();
    private final Map<Integer, Integer> stuck = new LinkedHashMap<>();
    private @Nullable MassRefusal massRefusal;
    private final boolean detects;

    /** What became of an entry; the correction is the row as stored where it differs from what was sent. */
    record Result(Fate fate, Optional<Correction> correction) {}

    /** One entry with its key and its value, or the parts of it that it carries; a delete has neither. */
    record Item<K, V>(Pending pending, K key, Optional<V> value, Optional<Codec.Parts> parts) {
        boolean deletes() {
            return value.isEmpty() && parts.isEmpty();
        }

        Change<K, V> change(Change.Guard guard) {
            return new Change<>(key, value, entry().version(), guard, parts.map(Codec.Parts::components));
        }

        SharedEntry entry() {
            return pending.entry();
        }

        int shard() {
            return pending.key().shard();
        }

        /** Each entry is one item: its value need not be compared. */
        @Override
        public boolean equals(@Nullable Object other) {
            return this == other;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    DrainBatch(CacheContext<K, V> context, ShardLeases<K, V> leases, Orphans orphans, Map<Integer, Long> epochs) {
        this.context = context;
        this.leases = leases;
        this.orphans = orphans;
        this.epochs = epochs;
        this.detects = context.settings.back().onConflict() == OnConflict.DETECT;
        this.locksUntil = Deadline.after(context.clock, context.settings.timeout());
    }

    /**
     * The entries that this instance can take to the primary. One that carries a column which this version of the application does not
     * know, or does not decode, or whose key it cannot read, stays pending for an instance that can read it.
     */
    List<Item<K, V>> items(List<Pending> pending) {
        List<Item<K, V>> items = new ArrayList<>(pending.size());
        for (Pending one : pending) {
            int shard = one.key().shard();
            read(one).ifPresentOrElse(items::add, () -> {
                left.merge(shard, 1, Integer::sum);
                stuck.merge(shard, 1, Integer::sum);
            });
        }
        return items;
    }

    private Optional<Item<K, V>> read(Pending pending) {
        K key;
        try {
            key = context.keys.parse(pending.key().text());
        } catch (Invalid otherType) {
            return Optional.empty();
        }
        if (pending.entry().kind() == EntryKind.DELETED) {
            return Optional.of(new Item<>(pending, key, Optional.empty(), Optional.empty()));
        }
        SharedEntry entry = pending.entry();
        Envelope<V> envelope = context.envelope;
        if (envelope.lacksNone(entry.bytes(), entry.offset(), entry.length())) {
            return envelope.open(entry.bytes(), entry.offset(), entry.length())
                    .map(value -> new Item<>(pending, key, Optional.of(value), Optional.empty()));
        }
        return context.store.writesParts()
                ? envelope.parts(entry.bytes(), entry.offset(), entry.length())
                        .map(parts -> new Item<>(pending, key, Optional.empty(), Optional.of(parts)))
                : Optional.empty();
    }

    /** How many entries of each shard were left to other instances. */
    Map<Integer, Integer> left() {
        return left;
    }

    /** How many entries of each shard could not be written for a reason of their own; some may be dead letters now. */
    Map<Integer, Integer> stuck() {
        return stuck;
    }

    /**
     * Writes some of the entries; what is not in the results then stays pending. Rows that others have locked are looked for as long as one
     * call may take since the batch was made, and as it {@code goesOn}.
     */
    void write(List<Item<K, V>> items, BooleanSupplier goesOn) {
        this.goesOn = goesOn;
        refusedTogether = 0;
        split(items, items.size());
    }

    /**
     * Ends the batch: what was refused goes to the dead letters.
     *
     * @throws MassRefusal after the others were written, if so many are refused that the table must have changed
     */
    void end() {
        if (massRefusal != null) {
            throw massRefusal;
        }
        buryRefused();
    }

    /** Puts what the primary refused into the dead letters. */
    void buryRefused() {
        refused.forEach(this::bury);
    }

    /** What has been written so far, also after a failure. */
    Map<Item<K, V>, Result> results() {
        return results;
    }

    /** More rows are refused than bad data explains: a migration, most likely. Nothing was put into the dead letters. */
    static final class MassRefusal extends RuntimeException {
        private static final long serialVersionUID = 1L;

        MassRefusal(int refused, int batch, String sqlState) {
            super("the primary refuses " + refused + " of " + batch + " rows (SQLSTATE " + sqlState
                    + "): kept pending, as the table seems to have changed");
        }
    }

    private void split(List<Item<K, V>> items, int batch) {
        if (massRefusal != null && locksUntil.isPast()) {
            gaveUp = true;
        }
        if (items.isEmpty() || gaveUp) {
            return;
        }
        try {
            Map<Item<K, V>, Result> written = context.primary.call(
                    Primary.Use.DRAIN, context.settings.timeout(), connection -> writeOn(connection, items));
            committed(written);
        } catch (PrimaryFailure e) {
            boolean isLocked = "55P03".equals(e.sqlState());
            boolean isRow = e.kind() == PrimaryFailure.Kind.DATA || isLocked;
            if (!isRow) {
                throw e;
            }
            if (isLocked && (locksUntil.isPast() || !goesOn.getAsBoolean())) {
                // A whole table is locked, most likely: what is left waits for the next round.
                gaveUp = true;
                return;
            }
            if (items.size() > 1) {
                split(items.subList(0, items.size() / 2), batch);
                split(items.subList(items.size() / 2, items.size()), batch);
            } else if (isRefused(items.get(0), e)) {
                refusedTogether++;
                if (refusedTogether >= MASS && refusedTogether * 10 > batch) {
                    massRefusal = new MassRefusal(refusedTogether, batch, e.sqlState());
                }
            }
        }
    }

    /** Takes note of what a transaction has done that has committed. */
    void committed(Map<Item<K, V>, Result> written) {
        results.putAll(written);
        written.keySet().forEach(item -> orphans.settled(item.pending()));
        context.counters.drainBatches.increment();
        context.counters.deadLetters.add(written.values().stream()
                .filter(result -> result.fate() == Fate.DEAD)
                .count());
    }

    /** Whether a failure that concerns this entry alone makes it a dead letter; takes note of it then. */
    boolean isRefused(Item<K, V> item, PrimaryFailure e) {
        stuck.merge(item.shard(), 1, Integer::sum);
        boolean isRefused = e.kind() == PrimaryFailure.Kind.DATA && !waitsForKin(item, e);
        if (isRefused) {
            refused.put(item, e);
        }
        return isRefused;
    }

    /** A missing parent row, or the delete of a child, may still be pending in its own repository: it is waited for, up to a limit. */
    private boolean waitsForKin(Item<K, V> item, PrimaryFailure e) {
        return "23503".equals(e.sqlState()) && !orphans.isPatienceOver(item.pending());
    }

    private Map<Item<K, V>, Result> writeOn(PrimaryConnection connection, List<Item<K, V>> all) throws Exception {
        return writeOwned(connection, fenced(connection, all));
    }

    /** Locks the rows of the entries, in order. */
    void lock(PrimaryConnection connection, List<Item<K, V>> items) throws Exception {
        context.store.lock(connection, keys(items));
    }

    /** Writes entries that this transaction has {@link #fenced}. */
    Map<Item<K, V>, Result> writeOwned(PrimaryConnection connection, List<Item<K, V>> items) throws Exception {
        Map<Item<K, V>, Result> written = new LinkedHashMap<>();
        List<Item<K, V>> open = new ArrayList<>();
        for (Item<K, V> item : items) {
            if (!item.deletes() && tombstone(item).isAfter(item.entry().version())) {
                written.put(item, new Result(Fate.SUPERSEDED, Optional.empty()));
            } else {
                open.add(item);
            }
        }
        Map<K, Row<V>> rows = detects && !open.isEmpty() ? context.store.lock(connection, keys(open)) : Map.of();
        List<Item<K, V>> conflicts = new ArrayList<>();
        List<Item<K, V>> sent = new ArrayList<>();
        List<Change<K, V>> changes = new ArrayList<>();
        for (Item<K, V> item : open) {
            Row<V> row = rows.get(item.key());
            if (detects && BaseCheck.isConflict(item, version(row), tombstone(item))) {
                conflicts.add(item);
            } else {
                sent.add(item);
                // A row that is there is locked; one that is not could come from a writer around the cache before the
                // statement.
                changes.add(item.change(detects && row == null ? NO_ROW : Change.Guard.OLDER));
            }
        }
        Map<K, Applied<V>> applied = changes.isEmpty() ? Map.of() : context.store.apply(connection, changes);
        Map<K, Row<V>> earlier = appliedEarlier(connection, sent, applied);
        Map<String, Version> deleted = new TreeMap<>();
        for (Item<K, V> item : sent) {
            Applied<V> answer = applied.get(item.key());
            if (detects && answer instanceof Applied.Refused<V> refused) {
                Version current = refused.current();
                if (BaseCheck.isConflict(item, current, tombstone(item))) {
                    conflicts.add(item);
                    continue;
                } else if (!current.isAbsent() && item.entry().version().isAfter(current)) {
                    // Inserted through the cache since the look at the rows: the next round finds it and updates it.
                    continue;
                }
            }
            written.put(item, result(item, answer, earlier.get(item.key())));
            if (item.deletes()) {
                deleted.put(item.pending().key().text(), item.entry().version());
            }
        }
        if (!deleted.isEmpty()) {
            context.primary.ledger().recordTombstones(connection, context.store.name(), deleted);
        }
        if (!conflicts.isEmpty()) {
            context.primary
                    .ledger()
                    .recordDeadLetters(
                            connection,
                            context.store.name(),
                            conflicts.stream()
                                    .map(item -> letter(item, dev.understudy.model.DeadLetter.CONFLICT, CONFLICT))
                                    .toList());
            conflicts.forEach(item -> written.put(item, new Result(Fate.DEAD, Optional.empty())));
        }
        return written;
    }

    private static <K> List<K> keys(List<? extends Item<K, ?>> items) {
        return items.stream().<K>map(Item::key).toList();
    }

    private static Version version(@Nullable Row<?> row) {
        return row == null ? Version.ABSENT : row.version();
    }

    private Version tombstone(Item<?, ?> item) {
        return tombstones.getOrDefault(item.pending().key().text(), Version.ABSENT);
    }

    /**
     * Locks the rows of the entries' shards, and takes note of the entries' tombstones; answers the entries whose shards are still this
     * instance's.
     */
    List<Item<K, V>> fenced(PrimaryConnection connection, List<Item<K, V>> items) throws Exception {
        Map<Integer, Long> claimed = new TreeMap<>();
        for (Item<K, V> item : items) {
            Long epoch = epochs.get(item.shard());
            if (epoch != null) {
                claimed.put(item.shard(), epoch);
            }
        }
        List<String> texts =
                items.stream().map(item -> item.pending().key().text()).toList();
        DrainLedger.Fenced fenced = context.primary
                .ledger()
                .fence(connection, context.store.name(), claimed, leases.owner(), leases.lease(), texts);
        tombstones = fenced.tombstones();
        Set<Integer> gone = new LinkedHashSet<>(claimed.keySet());
        gone.removeAll(fenced.shards());
        gone.forEach(leases::lost);
        return items.stream()
                .filter(item -> fenced.shards().contains(item.shard()))
                .toList();
    }

    /** Rows that an earlier attempt, whose answer was lost, has written already. */
    private Map<K, Row<V>> appliedEarlier(
            PrimaryConnection connection, List<Item<K, V>> sent, Map<K, Applied<V>> applied) throws Exception {
        List<K> equal = new ArrayList<>();
        for (Item<K, V> item : sent) {
            if (applied.get(item.key()) instanceof Applied.Refused<V> refused
                    && refused.current().equals(item.entry().version())) {
                equal.add(item.key());
            }
        }
        return equal.isEmpty() ? Map.of() : context.store.load(connection, equal);
    }

    private Result result(Item<K, V> item, @Nullable Applied<V> applied, @Nullable Row<V> earlier) {
        if (applied instanceof Applied.Stored<V> stored) {
            return new Result(Fate.APPLIED, correction(item, stored.row()));
        }
        if (applied instanceof Applied.Deleted<V>) {
            return new Result(Fate.APPLIED, Optional.empty());
        }
        if (earlier != null && !item.deletes()) {
            return new Result(Fate.APPLIED, correction(item, earlier));
        }
        return new Result(Fate.SUPERSEDED, Optional.empty());
    }

    private Optional<Correction> correction(Item<K, V> item, Row<V> stored) {
        byte[] bytes = context.envelope.seal(stored.value());
        SharedEntry entry = item.entry();
        boolean isSame = stored.version().equals(entry.version())
                && Arrays.equals(
                        bytes, 0, bytes.length, entry.bytes(), entry.offset(), entry.offset() + entry.length());
        return isSame ? Optional.empty() : Optional.of(new Correction(stored.version(), bytes));
    }

    private static DeadLetter letter(Item<?, ?> item, String sqlState, String message) {
        SharedEntry entry = item.entry();
        return new DeadLetter(
                item.pending().key().text(),
                entry.version(),
                entry.kind(),
                entry.base(),
                entry.payload(),
                sqlState,
                message,
                Instant.EPOCH);
    }

    private void bury(Item<K, V> item, PrimaryFailure why) {
        DeadLetter letter = letter(item, why.sqlState(), String.valueOf(why.getMessage()));
        boolean isOwned = context.primary.call(Primary.Use.DRAIN, context.settings.timeout(), connection -> {
            if (fenced(connection, List.of(item)).isEmpty()) {
                return false;
            }
            context.primary.ledger().recordDeadLetters(connection, context.store.name(), List.of(letter));
            return true;
        });
        if (isOwned) {
            context.counters.deadLetters.increment();
            results.put(item, new Result(Fate.DEAD, Optional.empty()));
        }
    }
}
