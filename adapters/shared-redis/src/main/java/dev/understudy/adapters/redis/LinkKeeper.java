package dev.understudy.adapters.redis;

import io.lettuce.core.RedisCommandTimeoutException;
import io.netty.channel.ConnectTimeoutException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one link alive: makes a new one when it is lost, after a wait of 25 ms to 2 s that grows with every failure.
 * Thread-safe; its own steps run on the scheduler's only thread.
 */
final class LinkKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LinkKeeper.class);
    private static final long WAIT_MILLIS_MIN = 50;
    private static final long WAIT_MILLIS_MAX = 2_000;

    /** Makes a link and greets the server. */
    @FunctionalInterface
    interface Connecting {
        /** A link that is ready, or a failure; a link that is not ready in the end has been given up. */
        CompletableFuture<Link> connect(Runnable onLost);
    }

    private final String name;
    private final Connecting connecting;
    private final ScheduledExecutorService scheduler;
    private final Consumer<Link> onReady;
    private final Runnable onLost;
    private final CompletableFuture<Link> first = new CompletableFuture<>();
    private volatile @Nullable Link current;
    private volatile boolean closed;

    private volatile @Nullable Throwable lastFailure;

    /** How often in a row it could not connect; the scheduler's thread only. */
    private int failures;

    /**
     * A keeper that has not begun.
     *
     * @param name of the connection, for people
     * @param onReady hears of each link that is ready, on the scheduler's thread
     * @param onLost hears of each loss of such a link, on the scheduler's thread
     */
    LinkKeeper(
            String name,
            Connecting connecting,
            ScheduledExecutorService scheduler,
            Consumer<Link> onReady,
            Runnable onLost) {
        this.name = name;
        this.connecting = connecting;
        this.scheduler = scheduler;
        this.onReady = onReady;
        this.onLost = onLost;
    }

    /** Begins; the stage tells how the first attempt ended that did not just run out of time. */
    CompletableFuture<Link> start() {
        onScheduler(this::attempt);
        return first;
    }

    /** Whether an attempt to connect has ended, well or not. */
    boolean isDecided() {
        return first.isDone() || lastFailure != null;
    }

    /** Why the last attempt failed, or null. */
    @Nullable
    Throwable lastFailure() {
        return lastFailure;
    }

    /** The link that is ready, or null. */
    @Nullable
    Link current() {
        Link link = current;
        return link == null || link.isLost() ? null : link;
    }

    @Override
    public void close() {
        closed = true;
        Link link = current;
        if (link != null) {
            link.abandon();
        }
    }

    private void attempt() {
        if (closed) {
            return;
        }
        connecting
                .connect(() -> onScheduler(this::checkLost))
                .whenComplete((link, failure) -> onScheduler(() -> attempted(link, failure)));
    }

    private void attempted(@Nullable Link link, @Nullable Throwable failure) {
        if (link == null) {
            Throwable cause = failure == null ? new IllegalStateException("no link") : failure;
            lastFailure = cause;
            if (!isTimeout(cause)) {
                first.completeExceptionally(cause);
            }
            if (failures == 0 && !closed) {
                LOG.warn("no {} connection to the shared replica yet: {}", name, cause.toString());
            }
            failures++;
            retryLater();
            return;
        }
        if (closed) {
            link.lost();
            return;
        }
        current = link;
        if (failures > 0) {
            LOG.info("the {} connection to the shared replica is there again", name);
            failures = 0;
        }
        onReady.accept(link);
        first.complete(link);
        checkLost();
    }

    private void checkLost() {
        Link link = current;
        if (link != null && link.isLost()) {
            current = null;
            if (!closed) {
                LOG.warn("the {} connection to the shared replica is lost", name);
                onLost.run();
                failures = 1;
                retryLater();
            }
        }
    }

    private static boolean isTimeout(Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof RedisCommandTimeoutException || each instanceof ConnectTimeoutException) {
                return true;
            }
        }
        return false;
    }

    private void retryLater() {
        if (closed) {
            return;
        }
        long bound = Math.min(WAIT_MILLIS_MIN << Math.min(failures - 1, 10), WAIT_MILLIS_MAX);
        long wait = ThreadLocalRandom.current().nextLong(bound / 2, bound + 1);
        try {
            scheduler.schedule(this::attempt, wait, TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            LOG.debug("the replica is closed: no more attempts");
        }
    }

    private void onScheduler(Runnable step) {
        try {
            scheduler.execute(step);
        } catch (RejectedExecutionException e) {
            LOG.debug("the replica is closed: a step of the {} connection is left out", name);
        }
    }
}
