package dev.understudy.engine;

import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.NearStatus;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes the near replica follow the shards: applies announcements in order, and compares positions by itself, so that lost, delayed
 * and duplicated announcements cannot make old data count as fresh. Thread-safe.
 *
 * <p>Nothing is published as a heartbeat: a pull notes the time before it is sent, so that a delayed reply confirms an older moment, never
 * a newer one.
 */
final class Coherence<K, V> implements AnnouncementListener {
    private static final Logger LOG = LoggerFactory.getLogger(Coherence.class);
    private static final int TRIALS = 3;

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final Runnable onPending;
    private final AtomicBoolean pulling = new AtomicBoolean();
    private final CountDownLatch listening = new CountDownLatch(1);
    private final Ages ages = new Ages();

    Coherence(CacheContext<K, V> context, Shards shards, NearTier<K, V> near, Runnable onPending) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.onPending = onPending;
    }

    @Override
    public void announced(Announcement announcement) {
        key(announcement).ifPresent(key -> near.evictBelow(key, announcement.version()));
        ShardState state = shards.state(announcement.key().shard());
        if (!state.follow(announcement.position(), context.clock.nanoTime())) {
            context.counters.gaps.increment();
            context.counters.shardDrops.increment();
        }
        if (announcement.pending()) {
            onPending.run();
        }
    }

    private Optional<K> key(Announcement announcement) {
        try {
            return Optional.of(context.keys.parse(announcement.key().text()));
        } catch (Invalid otherType) {
            return Optional.empty(); // nothing of that key is near here
        }
    }

    @Override
    public void interrupted() {
        long now = context.clock.nanoTime();
        for (ShardState state : shards.states()) {
            state.interrupt(now);
        }
        listening.countDown();
    }

    /**
     * Refuses a staleness bound that pulls over this connection cannot keep: each third of it a pull begins, and its answer must be there before
     * the one before is too old.
     *
     * @throws Invalid with the smallest bound that can be kept
     */
    void requireHonourable(Deadline deadline) {
        Duration bound = context.settings.near().maxStaleness();
        if (!context.settings.near().isOn()) {
            return;
        }
        long shortest = Long.MAX_VALUE;
        for (int i = 0; i < TRIALS; i++) {
            long begun = context.clock.nanoTime();
            Replies.await(context.shared.positions(), deadline);
            shortest = Math.min(shortest, context.clock.nanoTime() - begun);
        }
        Duration smallest = Duration.ofMillis(TimeUnit.NANOSECONDS.toMillis(3 * shortest) / 10 * 10 + 10);
        if (bound.compareTo(smallest) < 0) {
            throw new Invalid("near.maxStaleness = " + bound + " cannot be kept: positions take "
                    + Duration.ofNanos(shortest).toMillis() + " ms to pull; the smallest possible is " + smallest);
        }
    }

    /** Where the near replica stands. */
    NearStatus status(long entries) {
        long position = 0;
        int unconfirmed = 0;
        long oldest = 0;
        long now = context.clock.nanoTime();
        for (ShardState state : shards.states()) {
            position += state.applied().value();
            unconfirmed += state.isConfirmed() ? 0 : 1;
            oldest = Math.max(oldest, now - state.lastConfirmedAt());
        }
        Counters counters = context.counters;
        return new NearStatus(
                position,
                shards.states().size(),
                unconfirmed,
                Duration.ofNanos(oldest),
                ages.percentile(99),
                entries,
                counters.gaps.sum(),
                counters.shardDrops.sum(),
                counters.lateInstalls.sum(),
                counters.pulls.sum(),
                counters.failedPulls.sum(),
                new NearStatus.Reads(
                        counters.nearHits.sum(),
                        counters.nearBypassed.sum(),
                        counters.sharedHits.sum(),
                        counters.primaryLoads.sum(),
                        counters.joinedLoads.sum(),
                        counters.bypassedReads.sum(),
                        counters.uncoveredReads.sum(),
                        counters.staleReads.sum()));
    }

    /** Waits until announcements are heard: what is loaded earlier would be dropped when they begin. */
    void awaitListening(Deadline deadline) {
        try {
            if (!listening.await(Math.max(0, deadline.remainingNanos()), TimeUnit.NANOSECONDS)) {
                LOG.warn("announcements of {} are not heard yet", context.store.name());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Pulls the positions of all shards and compares; one pull at a time. Shards of another generation are opened.
     *
     * @return false if the shared replica did not answer: nothing is confirmed then
     */
    boolean pull(Deadline deadline) {
        if (!pulling.compareAndSet(false, true)) {
            return false;
        }
        try {
            long asOf = context.clock.nanoTime();
            context.counters.pulls.increment();
            List<Integer> others = new ArrayList<>();
            for (ShardPosition pulled : Replies.await(context.shared.positions(), deadline)) {
                if (!isOfTheSameGeneration(pulled)) {
                    others.add(pulled.shard());
                }
                compare(pulled, asOf);
            }
            if (!others.isEmpty()) {
                shards.open(others, deadline);
            }
            return true;
        } catch (SharedReplicaFailure e) {
            // Unconfirmed shards stop serving by themselves; the next pull tries again.
            context.counters.failedPulls.increment();
            return false;
        } finally {
            pulling.set(false);
        }
    }

    private boolean isOfTheSameGeneration(ShardPosition pulled) {
        Generation generation = pulled.position().generation();
        return !generation.equals(Generation.NONE)
                && generation.equals(shards.state(pulled.shard()).generation());
    }

    private void compare(ShardPosition pulled, long asOf) {
        ShardState state = shards.state(pulled.shard());
        if (state.isConfirmed()) {
            ages.add(context.clock.nanoTime() - state.confirmedAt());
        }
        if (isOfTheSameGeneration(pulled) && state.compare(pulled.position(), asOf, context.clock.nanoTime())) {
            context.counters.shardDrops.increment();
        }
    }
}
