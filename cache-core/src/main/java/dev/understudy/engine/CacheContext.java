package dev.understudy.engine;

import dev.understudy.model.Invalid;
import dev.understudy.model.KeyFormat;
import dev.understudy.model.ShardKey;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Clock;
import dev.understudy.spi.Codec;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedReplica;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;

/** What every part of one repository's engine works with. Thread-safe. */
final class CacheContext<K, V> {
    private static final long IDENTITY_BOUND = 1L << 53;
    private static final Duration CLOCKS_DIFFER = Duration.ofMinutes(1);

    final RepositorySettings settings;
    final PrimaryStore<K, V> store;
    final Primary primary;
    final SharedReplica replica;
    final SharedCache shared;
    final KeyFormat<K> keys;
    final Envelope<V> envelope;
    final Clock clock;
    final Counters counters;
    final LeftEntries left = new LeftEntries();
    /** Keeps reads and write-throughs from waiting for a shared replica that does not answer. */
    final Breaker breaker;
    /** The same for the primary. */
    final PrimaryGate gate;
    /** Whether the primary answers; every call of {@link #primary} tells it. */
    final PrimaryHealth health;

    CacheContext(
            RepositorySettings settings,
            PrimaryStore<K, V> store,
            Primary primary,
            SharedReplica replica,
            SharedCache shared,
            Codec codec,
            Clock clock) {
        this.settings = settings;
        this.store = store;
        this.health = new PrimaryHealth(primary, clock);
        this.primary = health;
        this.replica = replica;
        this.shared = shared;
        this.keys = KeyFormat.of(store.keyType());
        this.counters = new Counters();
        this.envelope = new Envelope<>(codec.of(store.valueType()), settings.maximumValueBytes(), counters);
        this.clock = clock;
        this.breaker = new Breaker(clock);
        this.gate = new PrimaryGate(health, clock);
    }

    ShardKey address(K key) {
        return ShardKey.of(keys.text(present(key, "key")), settings.shards());
    }

    Deadline deadline(java.util.Optional<Duration> timeout) {
        return Deadline.after(clock, timeout.orElse(settings.timeout()));
    }

    boolean isVersioned() {
        return store.versioning().isVersioned();
    }

    /** Time to live of a clean entry, spread by a tenth so that entries filled together do not expire together. */
    Duration timeToLive(boolean negative) {
        long millis = (negative ? settings.negativeTimeToLive() : settings.timeToLive()).toMillis();
        long spread = Math.max(1, millis / 10);
        return Duration.ofMillis(
                Math.max(1, millis - spread + ThreadLocalRandom.current().nextLong(2 * spread)));
    }

    /** An identity for a write or a lease: random, 1 to 2^53 - 1. */
    static long newIdentity() {
        return ThreadLocalRandom.current().nextLong(1, IDENTITY_BOUND);
    }

    /** This instance's wall clock, in microseconds since 1970. */
    long micros() {
        Instant now = clock.now();
        return now.getEpochSecond() * 1_000_000 + now.getNano() / 1000;
    }

    /**
     * When, in microseconds since 1970, all replicas have what the primary shows now: the writer's marker and the near entries of others have
     * ended, also where nobody tells, and clocks differ.
     */
    long knownEverywhereAt() {
        Duration longest = settings.marker().plus(settings.near().timeToLive()).plus(CLOCKS_DIFFER);
        return micros() + longest.toNanos() / 1000;
    }

    /** The session knows what it wrote. */
    void remember(SessionState session, K key, boolean isUpsert, WriteReceipt receipt) {
        ShardKey at = address(key);
        if (isUpsert) {
            session.wrote(
                    store.name(), at.text(), at.shard(), receipt.version(), receipt.position(), knownEverywhereAt());
        } else {
            session.deleted(store.name(), at.text(), at.shard(), receipt.position(), knownEverywhereAt());
        }
    }

    static <T> T present(@Nullable T argument, String name) {
        if (argument == null) {
            throw new Invalid(name + " is null");
        }
        return argument;
    }
}
