package dev.understudy.engine;

import dev.understudy.model.Rejected;
import dev.understudy.model.Replication;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Looks after receipts that somebody awaits without a thread of his own: one thread for all, which ends when there are none. Thread-safe.
 *
 * <p>Bounds: {@link #LIMIT} receipts at a time; each look takes at most {@link #LOOK}.
 */
final class ReceiptWatch implements AutoCloseable {
    static final int LIMIT = 10_000;
    private static final Duration LOOK = Duration.ofMillis(500);
    /** What the last look has at least, so that it can be answered. */
    private static final Duration LEAST = Duration.ofMillis(100);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(10);
    private static final Duration LAST_PAUSE = Duration.ofMillis(200);

    private final Set<CompletableFuture<Replication>> open = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor thread;

    ReceiptWatch(String threadName) {
        thread = new ScheduledThreadPoolExecutor(1, task -> {
            Thread one = new Thread(task, threadName);
            one.setDaemon(true);
            return one;
        });
        thread.setKeepAliveTime(5, TimeUnit.SECONDS);
        thread.allowCoreThreadTimeOut(true);
        thread.setRemoveOnCancelPolicy(true);
    }

    /** One look at what became of a write, within that time. */
    @FunctionalInterface
    interface Look {
        Replication at(Duration limit);
    }

    /** Completes with the final state, or with {@link Replication#PENDING} once the deadline has passed or the repository is closed. */
    CompletionStage<Replication> watch(Look look, Deadline deadline) {
        if (open.size() >= LIMIT) {
            throw new Rejected("too many receipts are awaited", Tier.LIBRARY, "awaited receipts " + LIMIT);
        }
        CompletableFuture<Replication> result = new CompletableFuture<>();
        open.add(result);
        result.whenComplete((state, failure) -> open.remove(result));
        schedule(look, deadline, FIRST_PAUSE, result);
        return result.minimalCompletionStage();
    }

    private void schedule(Look look, Deadline deadline, Duration pause, CompletableFuture<Replication> result) {
        long nanos = Math.max(0, Math.min(pause.toNanos(), deadline.remainingNanos()));
        try {
            thread.schedule(() -> look(look, deadline, pause, result), nanos, TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) { // closed meanwhile: the write stays acknowledged
            result.complete(Replication.PENDING);
        }
    }

    private void look(Look look, Deadline deadline, Duration pause, CompletableFuture<Replication> result) {
        Replication state = Replication.PENDING;
        try {
            Duration left = deadline.remaining();
            Duration limit = left.compareTo(LEAST) < 0 ? LEAST : left;
            state = look.at(limit.compareTo(LOOK) < 0 ? limit : LOOK);
        } catch (UnderstudyException e) {
            if (deadline.isPast()) {
                result.completeExceptionally(e);
                return;
            }
        } catch (RuntimeException e) {
            result.completeExceptionally(e);
            return;
        }
        if (state != Replication.PENDING || deadline.isPast()) {
            result.complete(state);
            return;
        }
        Duration longer = pause.multipliedBy(2);
        schedule(look, deadline, longer.compareTo(LAST_PAUSE) < 0 ? longer : LAST_PAUSE, result);
    }

    @Override
    public void close() {
        thread.shutdownNow();
        open.forEach(result -> result.complete(Replication.PENDING));
    }
}
