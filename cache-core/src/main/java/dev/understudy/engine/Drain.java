package dev.understudy.engine;

import dev.understudy.engine.DrainBatch.Item;
import dev.understudy.engine.DrainBatch.Result;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.Pending;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.Fate;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves pending writes to the primary: looks which shards have some, holds their leases, peeks, writes one transaction, tells the shared
 * replica. One thread per repository runs {@link #step}; the rest is thread-safe.
 *
 * <p>A crash between any two of these loses nothing: entries stay pending until {@code DRAINED} finds version and write identity
 * unchanged, and a row written twice is recognised by its version.
 */
final class Drain<K, V> {
    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);
    private static final Duration LOOK = Duration.ofMillis(5);
    private static final Duration IDLE_PAUSE = Duration.ofMillis(250);
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(25);
    private static final Duration LAST_BACKOFF = Duration.ofSeconds(5);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final ShardLeases<K, V> leases;
    private final Thread thread;
    private volatile boolean running = true;
    private volatile boolean paused;
    private volatile boolean hinted;
    private Duration backoff = FIRST_BACKOFF;

    Drain(CacheContext<K, V> context, Shards shards, String owner, String threadName) {
        this.context = context;
        this.shards = shards;
        this.leases = new ShardLeases<>(context, owner);
        this.thread = new Thread(this::run, threadName);
        this.thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Something is pending: the next step need not wait for the idle pause. */
    void hint() {
        if (!hinted) {
            hinted = true;
            LockSupport.unpark(thread);
        }
    }

    void pause() {
        paused = true;
    }

    void resume() {
        paused = false;
        hint();
    }

    /** Ends the thread, gives the leases back, and waits for both until the deadline. */
    void stop(Deadline deadline) {
        running = false;
        LockSupport.unpark(thread);
        try {
            thread.join(Math.max(1, deadline.remaining().toMillis()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        while (running) {
            Duration pause = paused ? IDLE_PAUSE : stepSafely();
            if (running && !pause.isZero()) {
                // A hint ends the idle pause, never the back-off after a failure.
                long end = context.clock.nanoTime() + pause.toNanos();
                boolean isBackoff = backoff.compareTo(FIRST_BACKOFF) > 0;
                for (long left = pause.toNanos();
                        running && left > 0 && (isBackoff || !hinted);
                        left = end - context.clock.nanoTime()) {
                    LockSupport.parkNanos(this, left);
                }
                if (hinted && !isBackoff && running) {
                    LockSupport.parkNanos(this, context.settings.back().delay().toNanos());
                }
            }
        }
        try {
            leases.release(true, context.settings.timeout());
        } catch (RuntimeException e) {
            LOG.info("leases of {} were not given back and will expire", context.store.name());
        }
    }

    private Duration stepSafely() {
        try {
            hinted = false;
            Duration next = step(context.settings.back().delay());
            backoff = FIRST_BACKOFF;
            return next;
        } catch (PrimaryFailure | SharedReplicaFailure | GenerationChanged e) {
            context.counters.drainFailures.increment();
            LOG.warn("drain of {} failed and is retried: {}", context.store.name(), e.getMessage());
        } catch (RuntimeException e) {
            context.counters.drainFailures.increment();
            LOG.error(
                    "drain of {} failed and is retried: {}",
                    context.store.name(),
                    e.getClass().getName(),
                    e);
        }
        backoff = backoff.multipliedBy(2).compareTo(LAST_BACKOFF) > 0 ? LAST_BACKOFF : backoff.multipliedBy(2);
        return Duration.ofNanos(ThreadLocalRandom.current().nextLong(backoff.toNanos() / 2, backoff.toNanos()));
    }

    /**
     * One round.
     *
     * @param delay how long an entry must have been pending
     * @return how long to wait until the next; zero if there is more to do
     */
    Duration step(Duration delay) {
        Deadline deadline = Deadline.after(context.clock, context.settings.timeout());
        Set<Integer> pending = pendingShards(deadline);
        leases.release(false, context.settings.timeout());
        if (pending.isEmpty()) {
            return IDLE_PAUSE;
        }
        Map<Integer, Long> held = leases.hold(pending, context.settings.timeout());
        List<Pending> peeked = peek(List.copyOf(held.keySet()), delay, deadline);
        if (peeked.isEmpty()) {
            return held.isEmpty() ? IDLE_PAUSE : delay.dividedBy(2).plusMillis(1);
        }
        DrainBatch<K, V> batch = new DrainBatch<>(context, leases, held);
        Map<Item<K, V>, Result> results = batch.write(batch.items(peeked));
        tell(results, Deadline.after(context.clock, context.settings.timeout()));
        return results.isEmpty() ? IDLE_PAUSE : Duration.ZERO;
    }

    private Set<Integer> pendingShards(Deadline deadline) {
        List<Long> counts = Replies.await(context.shared.pending(), deadline);
        Set<Integer> pending = new LinkedHashSet<>();
        for (int shard = 0; shard < counts.size(); shard++) {
            if (counts.get(shard) > 0) {
                pending.add(shard);
            }
        }
        return pending;
    }

    private List<Pending> peek(List<Integer> held, Duration delay, Deadline deadline) {
        if (held.isEmpty()) {
            return List.of();
        }
        int limit = Math.max(1, context.settings.back().batch() / held.size());
        List<List<Pending>> peeked = shards.callAll(
                held, i -> generation -> new SharedCommand.Peek(held.get(i), generation, delay, limit), deadline);
        List<Pending> all = new ArrayList<>();
        peeked.forEach(all::addAll);
        return all;
    }

    private void tell(Map<Item<K, V>, Result> results, Deadline deadline) {
        List<Item<K, V>> items = List.copyOf(results.keySet());
        List<Shards.Reply<DrainedReply>> replies = shards.attemptAll(
                items.stream().map(Item::shard).toList(),
                i -> {
                    Item<K, V> item = items.get(i);
                    Result result = Objects.requireNonNull(results.get(item));
                    return generation -> new SharedCommand.Drained(
                            item.pending().key(),
                            generation,
                            item.entry().version(),
                            item.entry().kind(),
                            result.fate(),
                            result.correction(),
                            context.timeToLive(item.value().isEmpty()),
                            item.entry().writeId());
                },
                deadline);
        Map<Fate, Integer> counts = new LinkedHashMap<>();
        for (int i = 0; i < items.size(); i++) {
            if (replies.get(i).failure() != null) {
                // The row is written and the entry stays pending: the next round finds it applied.
                context.counters.drainFailures.increment();
            } else {
                counts.merge(Objects.requireNonNull(results.get(items.get(i))).fate(), 1, Integer::sum);
            }
        }
        context.counters.drainedRows.add(counts.getOrDefault(Fate.APPLIED, 0));
    }

    /** Waits until nothing is pending, drained here or by another instance. Answers how many entries are left at the deadline. */
    static long awaitEmpty(CacheContext<?, ?> context, Runnable hint, Deadline deadline) {
        while (true) {
            long left;
            try {
                left = Replies.await(context.shared.pending(), deadline).stream()
                        .mapToLong(Long::longValue)
                        .sum();
            } catch (SharedReplicaFailure e) {
                throw Replies.shared(e, Outcome.NOT_APPLIED);
            }
            if (left == 0 || deadline.remainingNanos() < LOOK.toNanos()) {
                return left;
            }
            hint.run();
            deadline.pause(LOOK, Tier.SHARED, Outcome.NOT_APPLIED);
        }
    }
}
