package dev.understudy.spi;

import dev.understudy.model.Invalid;
import dev.understudy.model.Version;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** The ledger's twin in memory: leases, tombstones and dead letters as rows of the primary's twin. Thread-safe. */
final class InMemoryLedger implements DrainLedger {
    static final String SHARDS = "us_shard/";
    private static final String DRAINERS = "us_drainer/";
    private static final String TOMBSTONES = "us_tombstone/";
    private static final String DEAD_LETTERS = "us_dead_letter/";

    record Lease(long epoch, String owner, long untilMicros) {}

    private record LetterId(String key, Version version) {}

    @Override
    public void open(PrimaryConnection connection, String cache, int shards) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        int found = transaction.all(SHARDS + cache).size();
        if (found != 0 && found != shards) {
            throw new Invalid("cache " + cache + " has " + found + " shards, not " + shards);
        }
        for (int shard = found; shard < shards; shard++) {
            transaction.put(SHARDS + cache, shard, new Lease(0, "", 0));
        }
    }

    @Override
    public Map<Integer, Long> claim(
            PrimaryConnection connection, String cache, Set<Integer> wanted, String owner, Duration lease) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        long now = transaction.primary().nowMicros();
        Map<Integer, Long> claimed = new TreeMap<>();
        for (int shard : new TreeSet<>(wanted)) {
            transaction.lock(SHARDS + cache, shard);
            Lease held = lease(transaction, cache, shard);
            if (held.untilMicros() < now || held.owner().equals(owner)) {
                transaction.put(SHARDS + cache, shard, new Lease(held.epoch() + 1, owner, now + micros(lease)));
                claimed.put(shard, held.epoch() + 1);
            }
        }
        return claimed;
    }

    @Override
    public Set<Integer> fence(
            PrimaryConnection connection, String cache, Map<Integer, Long> epochs, String owner, Duration lease) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        transaction.lockTimeout(InMemoryPrimary.DRAIN_LOCK_TIMEOUT);
        new TreeSet<>(epochs.keySet()).forEach(shard -> transaction.lock(SHARDS + cache, shard));
        long until = transaction.primary().nowMicros() + micros(lease);
        Set<Integer> fenced = new TreeSet<>();
        epochs.forEach((shard, epoch) -> {
            Lease held = lease(transaction, cache, shard);
            if (held.epoch() == epoch && held.owner().equals(owner)) {
                transaction.put(SHARDS + cache, shard, new Lease(epoch, owner, Math.max(until, held.untilMicros())));
                fenced.add(shard);
            }
        });
        return fenced;
    }

    @Override
    public void release(PrimaryConnection connection, String cache, Map<Integer, Long> epochs, String owner) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        new TreeSet<>(epochs.keySet()).forEach(shard -> transaction.lock(SHARDS + cache, shard));
        epochs.forEach((shard, epoch) -> {
            Lease held = lease(transaction, cache, shard);
            if (held.epoch() == epoch && held.owner().equals(owner)) {
                transaction.put(SHARDS + cache, shard, new Lease(epoch, "", 0));
            }
        });
    }

    @Override
    public int attend(PrimaryConnection connection, String cache, String owner, Duration lease) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        long now = transaction.primary().nowMicros();
        transaction.put(DRAINERS + cache, owner, now + micros(lease));
        int count = 0;
        for (Map.Entry<Object, Object> drainer :
                transaction.all(DRAINERS + cache).entrySet()) {
            if ((Long) drainer.getValue() < now) {
                transaction.remove(DRAINERS + cache, drainer.getKey());
            } else {
                count++;
            }
        }
        return count;
    }

    @Override
    public void leave(PrimaryConnection connection, String cache, String owner) {
        InMemoryTransaction.of(connection).remove(DRAINERS + cache, owner);
    }

    @Override
    public void excludeDrain(PrimaryConnection connection, String cache, Set<Integer> shards) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        for (int shard : new TreeSet<>(shards)) {
            lease(transaction, cache, shard);
            transaction.lock(SHARDS + cache, shard);
        }
    }

    private static Lease lease(InMemoryTransaction transaction, String cache, int shard) {
        return (Lease) transaction
                .get(SHARDS + cache, shard)
                .orElseThrow(() -> new Invalid("shard " + shard + " of cache " + cache + " has no row"));
    }

    @Override
    public void recordTombstones(PrimaryConnection connection, String cache, Map<String, Version> deleted) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        deleted.forEach((key, version) -> {
            transaction.lock(TOMBSTONES + cache, key);
            Version known = (Version) transaction.get(TOMBSTONES + cache, key).orElse(Version.ABSENT);
            transaction.put(TOMBSTONES + cache, key, version.isAfter(known) ? version : known);
        });
    }

    @Override
    public Map<String, Version> tombstones(PrimaryConnection connection, String cache, Collection<String> keys) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        Map<String, Version> found = new TreeMap<>();
        for (String key : keys) {
            transaction.get(TOMBSTONES + cache, key).ifPresent(version -> found.put(key, (Version) version));
        }
        return found;
    }

    @Override
    public void recordDeadLetters(PrimaryConnection connection, String cache, List<DeadLetter> letters) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        for (DeadLetter letter : letters) {
            LetterId id = new LetterId(letter.key(), letter.version());
            transaction.lock(DEAD_LETTERS + cache, id);
            if (transaction.get(DEAD_LETTERS + cache, id).isEmpty()) {
                Instant now = Instant.EPOCH.plus(transaction.primary().nowMicros(), ChronoUnit.MICROS);
                transaction.put(
                        DEAD_LETTERS + cache,
                        id,
                        new DeadLetter(
                                letter.key(),
                                letter.version(),
                                letter.kind(),
                                letter.base(),
                                letter.payload(),
                                letter.sqlState(),
                                letter.message(),
                                now));
            }
        }
    }

    @Override
    public boolean isDead(PrimaryConnection connection, String cache, String key, Version version) {
        return InMemoryTransaction.of(connection)
                .get(DEAD_LETTERS + cache, new LetterId(key, version))
                .isPresent();
    }

    @Override
    public List<DeadLetter> deadLetters(PrimaryConnection connection, String cache, int limit) {
        List<DeadLetter> letters = new ArrayList<>();
        for (Object letter :
                InMemoryTransaction.of(connection).all(DEAD_LETTERS + cache).values()) {
            if (letters.size() < limit) {
                letters.add((DeadLetter) letter);
            }
        }
        return letters;
    }

    @Override
    public boolean discard(PrimaryConnection connection, String cache, String key, Version version) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        LetterId id = new LetterId(key, version);
        transaction.lock(DEAD_LETTERS + cache, id);
        boolean isThere = transaction.get(DEAD_LETTERS + cache, id).isPresent();
        if (isThere) {
            transaction.remove(DEAD_LETTERS + cache, id);
        }
        return isThere;
    }

    private static long micros(Duration duration) {
        return duration.toNanos() / 1_000;
    }
}
