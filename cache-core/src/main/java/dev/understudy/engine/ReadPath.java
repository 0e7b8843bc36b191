package dev.understudy.engine;

import dev.understudy.engine.InFlight.Ticket;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/**
 * Reads below the near replica: one load per key and instance, from the shared replica or through a lease from the primary. Thread-safe.
 *
 * <h2>Ordering</h2>
 * A caller joins a load under way only if that load began within the staleness that he accepts, and while nothing was announced or written by
 * this instance for its key since; so a read that follows a write never returns what was there before it, also where the write's announcement
 * is still on its way.
 *
 * <h2>Bounds</h2>
 * Every wait ends at the caller's deadline. A joined load that fails is tried once more by the caller itself.
 */
final class ReadPath<K, V> {
    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final SharedReads<K, V> reads;
    private final ConcurrentHashMap<K, Flight<V>> flights = new ConcurrentHashMap<>();

    private record Flight<V>(Ticket ticket, CompletableFuture<Found<V>> result) {}

    ReadPath(CacheContext<K, V> context, Shards shards, NearTier<K, V> near, SharedReads<K, V> reads) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.reads = reads;
    }

    /**
     * What the shared replica or the primary says of the keys; also installs it in the near replica.
     *
     * @param stalenessNanos how long ago the load of an answer may have begun
     */
    Map<K, Found<V>> load(Collection<K> keys, long stalenessNanos, Deadline deadline) {
        Map<K, Flight<V>> own = new LinkedHashMap<>();
        Map<K, Flight<V>> joined = new LinkedHashMap<>();
        for (K key : keys) {
            begin(key, stalenessNanos, own, joined);
        }
        Map<K, Found<V>> found = fly(own, deadline);
        context.counters.joinedLoads.add(joined.size());
        joined.forEach((key, flight) -> found.put(key, join(key, flight, deadline)));
        return found;
    }

    private void begin(K key, long stalenessNanos, Map<K, Flight<V>> own, Map<K, Flight<V>> joined) {
        Flight<V> present = flights.get(key);
        if (present != null
                && !present.ticket().isTouched()
                && context.clock.nanoTime() - present.ticket().began() <= stalenessNanos) {
            joined.put(key, present);
            return;
        }
        ShardState state = shards.state(context.address(key).shard());
        Flight<V> flight = new Flight<>(near.enter(key, state), new CompletableFuture<>());
        // A load that was overtaken goes on for those who wait for it; newcomers follow this one.
        flights.put(key, flight);
        own.put(key, flight);
    }

    private Map<K, Found<V>> fly(Map<K, Flight<V>> own, Deadline deadline) {
        if (own.isEmpty()) {
            return new LinkedHashMap<>();
        }
        try {
            Map<K, Found<V>> found = reads.read(own.keySet(), deadline);
            own.forEach((key, flight) -> {
                Found<V> result = present(found, key);
                near.install(key, flight.ticket(), result);
                flight.result().complete(result);
            });
            return found;
        } catch (RuntimeException e) {
            own.values().forEach(flight -> flight.result().completeExceptionally(e));
            throw e;
        } finally {
            own.forEach((key, flight) -> {
                flights.remove(key, flight);
                near.leave(key, flight.ticket());
                flight.result().cancel(false);
            });
        }
    }

    private Found<V> join(K key, Flight<V> flight, Deadline deadline) {
        try {
            return deadline.await(flight.result());
        } catch (TimeoutException e) {
            throw new DeadlineExceeded("another caller's load took too long", e, Tier.PRIMARY, Outcome.NOT_APPLIED);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DeadlineExceeded("interrupted", e, Tier.LIBRARY, Outcome.NOT_APPLIED);
        } catch (ExecutionException | CancellationException e) {
            // The other caller's deadline may have been shorter than this one's: once more, on one's own.
            return present(reads.read(List.of(key), deadline), key);
        }
    }

    private static <K, V> Found<V> present(Map<K, Found<V>> found, K key) {
        Found<V> result = found.get(key);
        if (result == null) {
            throw new IllegalStateException("a read left a key without an answer");
        }
        return result;
    }
}
