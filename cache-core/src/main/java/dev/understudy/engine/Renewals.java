package dev.understudy.engine;

import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Loads in the background: entries that are to be renewed, and loads that callers wait for only a while because they have an older answer. Thread-safe.
 *
 * <h2>Bounds</h2>
 * At most {@link #AT_ONCE} at a time and one renewal per key; what finds no room is left out, and a later hit asks again. Each ends at the
 * repository's timeout.
 */
final class Renewals<K, V> {
    static final int AT_ONCE = 8;

    private final CacheContext<K, V> context;
    private final NearTier<K, V> near;
    private final ReadPath<K, V> readPath;
    private final Executor executor;
    private final Semaphore room = new Semaphore(AT_ONCE);
    private final Set<K> renewing = ConcurrentHashMap.newKeySet();

    Renewals(CacheContext<K, V> context, NearTier<K, V> near, ReadPath<K, V> readPath, Executor executor) {
        this.context = context;
        this.near = near;
        this.readPath = readPath;
        this.executor = executor;
    }

    /** Loads the key anew in the background, unless that is under way or there is no room. Never waits. */
    void renew(K key) {
        if (!renewing.add(key)) {
            return;
        }
        CompletableFuture<Map<K, Found<V>>> load =
                begin(Set.of(key), Long.MAX_VALUE, context.deadline(Optional.empty()));
        if (load == null) {
            renewing.remove(key);
            return;
        }
        context.counters.renewals.increment();
        load.whenComplete((found, failure) -> renewing.remove(key));
    }

    /**
     * What the replicas below say; what is held here, if it is at most so old, where they fail or are slow.
     *
     * @param stalenessNanos what the caller accepts of the replicas below
     * @param limitNanos zero or less if only a fresh answer will do
     */
    Map<K, Found<V>> load(Set<K> keys, long stalenessNanos, long limitNanos, Deadline deadline) {
        if (limitNanos <= 0 || stale(keys, limitNanos) == null) {
            return readPath.load(keys, stalenessNanos, deadline);
        }
        CompletableFuture<Map<K, Found<V>>> load = begin(keys, stalenessNanos, deadline);
        long patience = context.settings.near().patience().toNanos();
        if (load != null) {
            try {
                return load.get(Math.max(0, Math.min(patience, deadline.remainingNanos())), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                // The load goes on and renews the entry for later callers.
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new DeadlineExceeded("interrupted", e, Tier.LIBRARY, Outcome.NOT_APPLIED);
            } catch (ExecutionException e) {
                if (!(e.getCause() instanceof UnderstudyException)) {
                    throw new IllegalStateException("a load broke", e.getCause());
                }
                // Nobody below answers: that is what the older answer is kept for.
            }
        }
        Map<K, Found<V>> answer = stale(keys, limitNanos);
        if (answer == null) {
            return readPath.load(keys, stalenessNanos, deadline);
        }
        context.counters.staleReads.add(answer.size());
        return answer;
    }

    private @Nullable Map<K, Found<V>> stale(Set<K> keys, long limitNanos) {
        Map<K, Found<V>> answer = new LinkedHashMap<>();
        for (K key : keys) {
            Found<V> held = near.stale(key, limitNanos);
            if (held == null) {
                return null;
            }
            answer.put(key, held);
        }
        return answer;
    }

    private @Nullable CompletableFuture<Map<K, Found<V>>> begin(Set<K> keys, long stalenessNanos, Deadline deadline) {
        if (!room.tryAcquire()) {
            return null;
        }
        CompletableFuture<Map<K, Found<V>>> load = new CompletableFuture<>();
        load.whenComplete((found, failure) -> room.release());
        try {
            executor.execute(() -> {
                try {
                    load.complete(readPath.load(keys, stalenessNanos, deadline));
                } catch (RuntimeException e) {
                    // Told to who waits for it; a renewal that failed is asked for again by a later hit.
                    load.completeExceptionally(e);
                }
            });
            return load;
        } catch (RejectedExecutionException e) {
            // The pool is full or closed.
            load.cancel(false);
            return null;
        }
    }
}
