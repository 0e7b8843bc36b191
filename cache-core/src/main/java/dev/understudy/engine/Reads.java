package dev.understudy.engine;

import dev.understudy.model.Consistency;
import dev.understudy.model.Read;
import dev.understudy.model.Versioned;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** One repository's reads: from the nearest replica that is fresh enough for the call. Thread-safe. */
public final class Reads<K, V> {
    private final CacheContext<K, V> context;
    private final NearTier<K, V> near;
    private final SharedReads<K, V> sharedReads;
    private final SessionReads<K, V> sessionReads;
    private final Renewals<K, V> renewals;
    private final long defaultStaleness;
    private final long maxStaleNanos;

    Reads(
            CacheContext<K, V> context,
            NearTier<K, V> near,
            SharedReads<K, V> sharedReads,
            SessionReads<K, V> sessionReads,
            Renewals<K, V> renewals) {
        this.context = context;
        this.near = near;
        this.sharedReads = sharedReads;
        this.sessionReads = sessionReads;
        this.renewals = renewals;
        this.defaultStaleness = stalenessOf(context.settings.consistency());
        this.maxStaleNanos = context.settings.near().maxStale().toNanos();
    }

    /** The hit path: one lookup and one check. */
    public Optional<V> find(K key) {
        NearEntry<V> entry = near.get(CacheContext.present(key, "key"), defaultStaleness);
        if (entry != null) {
            context.counters.nearHits.increment();
            return near.value(entry);
        }
        if (defaultStaleness < 0) {
            return CacheContext.present(
                            read(List.of(key), Read.defaults(), null).get(key), "the answer")
                    .value();
        }
        Map<K, Found<V>> found =
                renewals.load(Set.of(key), defaultStaleness, maxStaleNanos, context.deadline(Optional.empty()));
        return found.values().iterator().next().value();
    }

    /** The answer of the near replica, if it has one that is fresh enough; never waits. */
    public @Nullable Optional<V> findNear(K key) {
        NearEntry<V> entry = near.get(CacheContext.present(key, "key"), defaultStaleness);
        if (entry == null) {
            return null;
        }
        context.counters.nearHits.increment();
        return near.value(entry);
    }

    /** Reads with options; an answer for every key, in the order of the keys, duplicates once. */
    public Map<K, Versioned<V>> read(Collection<K> keys, Read options, @Nullable SessionState session) {
        Deadline deadline = context.deadline(options.timeout());
        Consistency level = options.consistency().orElse(context.settings.consistency());
        Set<K> distinct = new LinkedHashSet<>();
        keys.forEach(key -> distinct.add(CacheContext.present(key, "key")));
        Map<K, Versioned<V>> answers = new LinkedHashMap<>();
        if (level instanceof Consistency.Strong) {
            Map<K, Found<V>> found = session == null
                    ? sharedReads.readStrong(distinct, deadline)
                    : sessionReads.readStrong(distinct, session, deadline);
            found.forEach((key, answer) -> answers.put(key, answer.versioned(context)));
            return answers;
        }
        long staleness = stalenessOf(level);
        if (session != null) {
            return sessionReads.read(distinct, staleness, session, deadline);
        }
        Set<K> missing = new LinkedHashSet<>();
        for (K key : distinct) {
            NearEntry<V> entry = near.get(key, staleness);
            if (entry == null) {
                missing.add(key);
            } else {
                context.counters.nearHits.increment();
                answers.put(key, near.versioned(entry));
            }
        }
        if (!missing.isEmpty()) {
            renewals.load(missing, staleness, staleLimit(options, staleness), deadline)
                    .forEach((key, found) -> answers.put(key, found.versioned(context)));
        }
        return answers;
    }

    /** How old an answer may be where there is no fresher one: never older than a bound that the call names itself. */
    private long staleLimit(Read options, long staleness) {
        return options.consistency().isPresent() ? Math.min(staleness, maxStaleNanos) : maxStaleNanos;
    }

    private static long stalenessOf(Consistency level) {
        if (level instanceof Consistency.Bounded bounded) {
            return bounded.staleness().toNanos();
        }
        return level instanceof Consistency.Eventual ? Long.MAX_VALUE : -1;
    }
}
