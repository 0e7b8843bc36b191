package dev.understudy;

import dev.understudy.model.Rejected;
import dev.understudy.model.Tier;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/** The bounded pool behind the asynchronous faces: so many threads, so many waiting calls, no more. Thread-safe. */
final class AsyncPool {
    private static final int QUEUE = 1_000;

    private final ThreadPoolExecutor executor;

    AsyncPool(String namespace, int threads) {
        AtomicInteger number = new AtomicInteger();
        this.executor = new ThreadPoolExecutor(
                threads, threads, 30, TimeUnit.SECONDS, new ArrayBlockingQueue<>(QUEUE), task -> {
                    Thread thread = new Thread(task, "understudy-async-" + namespace + "-" + number.incrementAndGet());
                    thread.setDaemon(true);
                    return thread;
                });
        this.executor.allowCoreThreadTimeOut(true);
    }

    <T> CompletionStage<T> submit(Supplier<T> call) {
        try {
            return CompletableFuture.supplyAsync(call, executor);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.failedFuture(new Rejected(
                    "the pool's queue of " + QUEUE + " calls is full, or the instance is closed",
                    Tier.LIBRARY,
                    "asyncThreads"));
        }
    }

    /** Threads for the library's own loads in the background; refuses when the queue is full. */
    Executor executor() {
        return executor;
    }

    void close() {
        executor.shutdownNow();
    }
}
