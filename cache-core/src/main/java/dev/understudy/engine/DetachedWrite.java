package dev.understudy.engine;

import dev.understudy.model.Invalid;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.Prepared;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.Row;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * One repository's part in a transaction at the primary while the shared replica cannot be reached: the SQL, and a note in the outbox
 * instead of a marker. Confined to the thread that runs the transaction.
 *
 * <p>Steps: {@link #write} and {@link #changed} any number of times, {@link #beforeCommit}, then {@link #ended}.
 *
 * <h2>Versions</h2>
 * Odd, as all that the primary allocates: its clock and {@link #AHEAD_MICROS} more, and above what the caller knows. A write-back that is
 * pending in the unreachable replica has a version of that replica's clock, which is not further ahead than the skew that is alerted:
 * so the drain, which writes only over older rows, finds it superseded.
 */
final class DetachedWrite<K, V> {
    /** The skew of clocks up to which a pending write-back is certainly older. */
    private static final long AHEAD_MICROS = 100_000;

    private static final Prepared NOTHING_KNOWN =
            new Prepared(Version.ABSENT, 0, 0, EntryKind.PLACEHOLDER, Version.ABSENT);

    private final CacheContext<K, V> context;
    private final NearTier<K, V> near;
    private final OutboxDelivery<K, V> outbox;
    private final Known<K> known;
    private final Map<K, Applied<V>> applied = new LinkedHashMap<>();
    private final Map<K, Version> versions = new LinkedHashMap<>();

    DetachedWrite(CacheContext<K, V> context, NearTier<K, V> near, OutboxDelivery<K, V> outbox, Known<K> known) {
        this.context = context;
        this.near = near;
        this.outbox = outbox;
        this.known = known;
    }

    /** Writes on the connection, all or none. */
    Map<K, Applied<V>> write(PrimaryConnection connection, List<Mutation<K, V>> mutations) throws Exception {
        outbox.require();
        long now = context.primary.clockMicros(connection);
        List<Change<K, V>> changes = new ArrayList<>();
        for (Mutation<K, V> mutation : mutations) {
            Guard guard = ThroughGuards.of(mutation, NOTHING_KNOWN, true);
            changes.add(new Change<>(mutation.key(), mutation.value(), version(mutation.key(), now), guard));
        }
        apply(connection, changes);
        Map<K, Applied<V>> stored = new LinkedHashMap<>();
        for (Mutation<K, V> mutation : mutations) {
            stored.put(mutation.key(), CacheContext.present(applied.get(mutation.key()), "the answer"));
        }
        return stored;
    }

    /** Stamps rows that the caller's own SQL changed, and takes note of those it deleted. */
    void changed(PrimaryConnection connection, Collection<K> keys) throws Exception {
        outbox.require();
        long now = context.primary.clockMicros(connection);
        Map<K, Row<V>> rows = context.store.lock(connection, keys);
        List<Change<K, V>> changes = new ArrayList<>();
        for (K key : new LinkedHashSet<>(keys)) {
            Optional<V> value = Optional.ofNullable(rows.get(key)).map(Row::value);
            if (!context.isVersioned() && value.isPresent()) {
                applied.put(key, new Applied.Stored<>(new Row<>(value.get(), Version.UNVERSIONED)));
            } else {
                Guard guard = value.isPresent() ? Guard.EXISTS : Guard.NONE;
                changes.add(new Change<>(key, value, version(key, now), guard));
            }
        }
        apply(connection, changes);
    }

    private Version version(K key, long now) {
        if (!context.isVersioned()) {
            return Version.UNVERSIONED;
        }
        // A session's text may be forged: what it knows counts as far as clocks may differ.
        long floor = Math.min(known.of(key).value(), now + AHEAD_MICROS);
        return new Version(Math.max(now + AHEAD_MICROS, floor + 1) | 1);
    }

    private void apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        if (changes.isEmpty()) {
            return;
        }
        Map<String, Version> deleted = new LinkedHashMap<>();
        Set<Integer> shards = new LinkedHashSet<>();
        for (Change<K, V> change : changes) {
            if (change.value().isEmpty() && context.settings.writeBack()) {
                ShardKey address = context.address(change.key());
                deleted.put(address.text(), change.version());
                shards.add(address.shard());
            }
        }
        if (!deleted.isEmpty()) {
            // Something may be pending: nobody can tell. It must not be inserted between the delete and its commit.
            context.primary.ledger().excludeDrain(connection, context.store.name(), shards);
        }
        Map<K, Applied<V>> answers = context.store.apply(connection, changes);
        for (Change<K, V> change : changes) {
            Applied<V> answer = answers.get(change.key());
            if (answer == null) {
                throw new Invalid("the store answered nothing for a change");
            }
            if (answer instanceof Applied.Refused<V> refused) {
                throw ThroughGuards.conflict(change.guard(), refused.current());
            }
            applied.put(change.key(), answer);
            versions.put(change.key(), change.version());
        }
        if (!deleted.isEmpty()) {
            context.primary.ledger().recordTombstones(connection, context.store.name(), deleted);
        }
    }

    /** Last in the transaction: takes note of what the shared replica is missing. */
    void beforeCommit(PrimaryConnection connection) throws Exception {
        Map<String, Version> changed = new LinkedHashMap<>();
        applied.forEach((key, answer) -> {
            boolean isKnown = context.isVersioned() && answer instanceof Applied.Stored<V>;
            changed.put(context.address(key).text(), isKnown ? versionOf(key) : Version.ABSENT);
        });
        if (!changed.isEmpty()) {
            context.primary.outbox().record(connection, context.store.name(), changed);
        }
    }

    /** The transaction has committed: nothing older is served by this instance from now on. */
    Map<K, WriteReceipt> committed() {
        ended();
        context.counters.throughWrites.add(applied.size());
        context.counters.detachedWrites.add(applied.size());
        Map<K, WriteReceipt> receipts = new LinkedHashMap<>();
        applied.forEach((key, answer) -> receipts.put(
                key, new ThroughReceipt(versionOf(key), Position.NONE, true, answer instanceof Applied.Deleted<V>)));
        return receipts;
    }

    /** The transaction is over, whatever became of it. */
    void ended() {
        if (!applied.isEmpty()) {
            outbox.owe();
            applied.keySet().forEach(near::evict);
        }
    }

    private Version versionOf(K key) {
        return applied.get(key) instanceof Applied.Stored<V> stored
                ? stored.row().version()
                : versions.getOrDefault(key, Version.ABSENT);
    }
}
