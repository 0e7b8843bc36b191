package dev.understudy.engine;

import dev.understudy.engine.InFlight.Ticket;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.spi.NearReplica;
import dev.understudy.spi.NearReplicaFactory;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * This instance's replica, with the rule by which anything enters it. Thread-safe.
 *
 * <h2>Ordering</h2>
 * An install and the eviction for an announcement of the same key exclude each other (both run inside the map's atomic
 * {@code compute}). An announcement raises the floor of every ticket of its key before it evicts; an install looks at its ticket's floor.
 * So whichever comes second sees the other: nothing older than an announced version stays.
 *
 * <h2>Bounds</h2>
 * Size is the map's; age is checked on each hit: an entry serves only while its shard is confirmed within the staleness asked and its
 * own time to live has not passed. Within {@code refreshAhead} before that moment and {@code maxStale} after it a hit also has the entry renewed.
 */
final class NearTier<K, V> {
    /** What an entry takes beside key and value, about. */
    private static final int ENTRY_BYTES = 128;

    private final NearReplica<K, NearEntry<V>> map;
    private final InFlight<K> inFlight = new InFlight<>();
    private final CacheContext<K, V> context;
    private final boolean enabled;
    private final boolean keepsBytes;
    private final boolean weighs;
    private final long timeToLiveNanos;
    private final long negativeTimeToLiveNanos;
    private final long refreshAheadNanos;
    private final long maxStaleNanos;
    private final Consumer<K> onRenewalDue;

    /** A replica that calls {@code onRenewalDue}, which must not wait, at hits of entries that are to be renewed. */
    NearTier(CacheContext<K, V> context, NearReplicaFactory maps, Consumer<K> onRenewalDue) {
        RepositorySettings.Near settings = context.settings.near();
        this.context = context;
        this.map = settings.isWeighed()
                ? maps.ofWeight(settings.bytes(), (key, entry) -> entry.weight())
                : maps.ofSize(Math.max(1, settings.entries()));
        this.enabled = settings.isOn();
        this.keepsBytes = settings.encoded();
        this.weighs = settings.isWeighed();
        this.timeToLiveNanos = settings.timeToLive().toNanos();
        this.negativeTimeToLiveNanos =
                Math.min(timeToLiveNanos, context.settings.negativeTimeToLive().toNanos());
        this.refreshAheadNanos = settings.refreshAhead().toNanos();
        this.maxStaleNanos = settings.maxStale().toNanos();
        this.onRenewalDue = onRenewalDue;
    }

    /** The entry if it is fresh enough: one lookup and one check, no lock, nothing allocated. */
    @Nullable
    NearEntry<V> get(K key, long stalenessNanos) {
        NearEntry<V> entry = map.get(key);
        if (entry == null) {
            return null;
        }
        long now = context.clock.nanoTime();
        return entry.isFresh(now, stalenessNanos) ? entry : late(key, entry, now, stalenessNanos);
    }

    /** The entry if it serves although it is to be renewed: nothing was announced, its own time ends or has ended. */
    private @Nullable NearEntry<V> late(K key, NearEntry<V> entry, long now, long stalenessNanos) {
        if (!entry.isCurrent(now, stalenessNanos)) {
            context.counters.nearBypassed.increment();
            return null;
        }
        if (now - (expiresAt(entry) + maxStaleNanos) >= 0) {
            return null;
        }
        onRenewalDue.accept(key);
        return entry;
    }

    /** What is held of the key, fresh or not, if it is at most so old; null if there is no such thing. */
    @Nullable
    Found<V> stale(K key, long limitNanos) {
        NearEntry<V> entry = map.get(key);
        if (entry == null) {
            return null;
        }
        long now = context.clock.nanoTime();
        long age = entry.ageNanos(now);
        return age > limitNanos ? null : new Found<>(value(entry), entry.version(), Tier.NEAR, now - age, false, false);
    }

    /** The entry's value, decoded if bytes are kept. */
    Optional<V> value(NearEntry<V> entry) {
        byte[] sealed = entry.sealed();
        return sealed == null ? entry.value() : opened(sealed);
    }

    private Optional<V> opened(byte[] sealed) {
        Optional<V> value = context.envelope.open(sealed, 0, sealed.length);
        if (value.isEmpty()) {
            throw new IllegalStateException("the codec does not decode what it has encoded");
        }
        return value;
    }

    /** A hit's answer. */
    Versioned<V> versioned(NearEntry<V> entry) {
        Duration age = Duration.ofNanos(entry.ageNanos(context.clock.nanoTime()));
        return new Versioned<>(value(entry), entry.version(), age, Tier.NEAR, false);
    }

    /** Whether the shard was confirmed after the entry was loaded: its position covers what the entry shows. */
    boolean isCovered(NearEntry<V> entry) {
        return entry.shard().confirmedAt() - (expiresAt(entry) - life(entry.isNegative())) >= 0;
    }

    private long expiresAt(NearEntry<V> entry) {
        return entry.renewAt() + aheadNanos(life(entry.isNegative()));
    }

    private long life(boolean isNegative) {
        return isNegative ? negativeTimeToLiveNanos : timeToLiveNanos;
    }

    /** How long before the end of such a life a hit begins to renew the entry. */
    private long aheadNanos(long life) {
        return Math.min(refreshAheadNanos, life / 2);
    }

    /** Announces that a load or an own write of the key begins. To be ended by {@link #leave}. */
    Ticket enter(K key, ShardState shard) {
        return inFlight.enter(key, shard, context.clock.nanoTime());
    }

    void leave(K key, Ticket ticket) {
        inFlight.leave(key, ticket);
    }

    /** Installs what a load found, unless it was overtaken or may lack something. */
    void install(K key, Ticket ticket, Found<V> found) {
        if (found.mayTrail()) {
            return;
        }
        if (!found.isFilled()) {
            context.counters.lateInstalls.increment();
            return;
        }
        install(key, ticket, found.value(), found.version());
    }

    /** Installs what a load or own write ended with, unless it was overtaken. */
    void install(K key, Ticket ticket, Optional<V> value, Version version) {
        if (!enabled) {
            return;
        }
        NearEntry<V> entry = entry(key, ticket, value, version);
        map.compute(key, (k, present) -> {
            if (ticket.isOvertaken(version)) {
                context.counters.lateInstalls.increment();
                return present;
            }
            boolean newerIsThere = present != null
                    && present.epoch() == entry.epoch()
                    && present.version().isAfter(version);
            return newerIsThere ? present : entry;
        });
    }

    private NearEntry<V> entry(K key, Ticket ticket, Optional<V> value, Version version) {
        long life = life(value.isEmpty());
        byte[] sealed = value.isPresent() && (keepsBytes || weighs) ? context.envelope.seal(value.get()) : null;
        int weight = weighs ? ENTRY_BYTES + context.keys.text(key).length() + (sealed == null ? 0 : sealed.length) : 1;
        return new NearEntry<>(
                keepsBytes ? Optional.empty() : value,
                keepsBytes ? sealed : null,
                weight,
                version,
                ticket.shard(),
                ticket.epoch(),
                ticket.began(),
                context.clock.nanoTime() + life - aheadNanos(life));
    }

    /** The key has at least that version now: older entries go, older installs under way will not come. */
    void evictBelow(K key, Version version) {
        if (!enabled && inFlight.size() == 0) {
            return;
        }
        map.compute(key, (k, present) -> {
            inFlight.raise(key, version);
            return present != null && present.version().compareTo(version) < 0 ? null : present;
        });
    }

    /** Whatever is held of the key goes. */
    void evict(K key) {
        evictBelow(key, Version.UNKNOWN);
    }

    long size() {
        return map.size();
    }

    void clear() {
        map.clear();
    }
}
