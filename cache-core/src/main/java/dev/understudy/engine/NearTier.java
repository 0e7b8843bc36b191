package dev.understudy.engine;

import dev.understudy.engine.InFlight.Ticket;
import dev.understudy.model.Version;
import dev.understudy.spi.NearReplica;
import java.time.Duration;
import java.util.Optional;
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
 * own time to live has not passed.
 */
final class NearTier<K, V> {
    private final NearReplica<K, NearEntry<V>> map;
    private final InFlight<K> inFlight = new InFlight<>();
    private final CacheContext<K, V> context;
    private final boolean enabled;
    private final long timeToLiveNanos;
    private final long negativeTimeToLiveNanos;

    NearTier(CacheContext<K, V> context, NearReplica<K, NearEntry<V>> map) {
        this.context = context;
        this.map = map;
        this.enabled = context.settings.nearSize() > 0;
        this.timeToLiveNanos = context.settings.nearTimeToLive().toNanos();
        this.negativeTimeToLiveNanos =
                Math.min(timeToLiveNanos, context.settings.negativeTimeToLive().toNanos());
    }

    /** The entry if it is fresh enough: one lookup and one check, no lock, nothing allocated. */
    @Nullable
    NearEntry<V> get(K key, long stalenessNanos) {
        NearEntry<V> entry = map.get(key);
        return entry != null && entry.isFresh(context.clock.nanoTime(), stalenessNanos) ? entry : null;
    }

    /** Whether the shard was confirmed after the entry was loaded: its position covers what the entry shows. */
    boolean isCovered(NearEntry<V> entry) {
        long life = entry.value().isPresent() ? timeToLiveNanos : negativeTimeToLiveNanos;
        return entry.shard().confirmedAt() - (entry.expiresAt() - life) >= 0;
    }

    /** How old the entry's data can be. */
    Duration age(NearEntry<V> entry) {
        return Duration.ofNanos(
                Math.max(0, context.clock.nanoTime() - entry.shard().confirmedAt()));
    }

    /** Announces that a load or an own write of the key begins. To be ended by {@link #leave}. */
    Ticket enter(K key, ShardState shard) {
        return inFlight.enter(key, shard);
    }

    void leave(K key, Ticket ticket) {
        inFlight.leave(key, ticket);
    }

    /** Installs what a load or own write ended with, unless it was overtaken. */
    void install(K key, Ticket ticket, Optional<V> value, Version version) {
        if (!enabled) {
            return;
        }
        long life = value.isPresent() ? timeToLiveNanos : negativeTimeToLiveNanos;
        NearEntry<V> entry =
                new NearEntry<>(value, version, ticket.shard(), ticket.epoch(), context.clock.nanoTime() + life);
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

    /** The entry as stored, fresh or not; for checks. */
    @Nullable
    NearEntry<V> peek(K key) {
        return map.get(key);
    }

    void clear() {
        map.clear();
    }
}
