package dev.understudy.engine;

import dev.understudy.model.Generation;
import dev.understudy.model.Version;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedReplicaFailure;
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

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final Undrained undrained;
    private final Runnable onPending;
    private final AtomicBoolean pulling = new AtomicBoolean();
    private final CountDownLatch listening = new CountDownLatch(1);

    Coherence(CacheContext<K, V> context, Shards shards, NearTier<K, V> near, Undrained undrained, Runnable onPending) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.undrained = undrained;
        this.onPending = onPending;
    }

    @Override
    public void announced(Announcement announcement) {
        near.evictBelow(context.keys.parse(announcement.key().text()), announcement.version());
        ShardState state = shards.state(announcement.key().shard());
        if (!state.follow(announcement.position(), context.clock.nanoTime())) {
            context.counters.gaps.increment();
            context.counters.shardDrops.increment();
        }
        undrained.settled(announcement.key(), below(announcement.version()));
        if (announcement.pending()) {
            onPending.run();
        }
    }

    private static Version below(Version version) {
        return version.isAbsent() ? version : new Version(version.value() - 1);
    }

    @Override
    public void interrupted() {
        for (ShardState state : shards.states()) {
            state.interrupt(context.clock.nanoTime());
        }
        listening.countDown();
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
            for (ShardPosition pulled : Replies.await(context.shared.positions(), deadline)) {
                compare(pulled, asOf, deadline);
            }
            return true;
        } catch (SharedReplicaFailure e) {
            // Unconfirmed shards stop serving by themselves; the next pull tries again.
            return false;
        } finally {
            pulling.set(false);
        }
    }

    private void compare(ShardPosition pulled, long asOf, Deadline deadline) {
        ShardState state = shards.state(pulled.shard());
        Generation generation = pulled.position().generation();
        if (generation.equals(Generation.NONE) || !generation.equals(state.generation())) {
            shards.open(pulled.shard(), deadline);
        } else if (state.compare(pulled.position(), asOf, context.clock.nanoTime())) {
            context.counters.shardDrops.increment();
        }
    }
}
