package dev.understudy.scenarios;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.awaitility.Awaitility;

/** A call on a thread of its own, so that the test can hold it. Thread-safe. */
final class Background<T> {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final CompletableFuture<T> result = new CompletableFuture<>();

    private final Thread thread;

    private Background(Supplier<T> call) {
        thread = new Thread(
                () -> {
                    try {
                        result.complete(call.get());
                    } catch (RuntimeException | Error e) {
                        result.completeExceptionally(e);
                    }
                },
                "scenario");
        thread.setDaemon(true);
        thread.start();
    }

    /** Begins the call. */
    static <T> Background<T> begin(Supplier<T> call) {
        return new Background<>(call);
    }

    /** Waits until each of the calls waits for something, or has ended. */
    static void awaitWaiting(List<? extends Background<?>> calls) {
        Awaitility.await("the calls wait")
                .atMost(LIMIT)
                .until(() -> calls.stream().allMatch(Background::waits));
    }

    /** Waits until each of the calls waits inside that class. */
    static void awaitWaitingIn(String className, List<? extends Background<?>> calls) {
        Awaitility.await("the calls wait in " + className)
                .atMost(LIMIT)
                .until(() -> calls.stream().allMatch(call -> call.waits() && call.isIn(className)));
    }

    boolean isIn(String className) {
        return Arrays.stream(thread.getStackTrace())
                .anyMatch(frame -> frame.getClassName().equals(className));
    }

    boolean waits() {
        return isDone() || thread.getState() == Thread.State.TIMED_WAITING;
    }

    /** Whether the call has ended. */
    boolean isDone() {
        return result.isDone();
    }

    /** What the call answered; what it threw. */
    T end() {
        return end(LIMIT);
    }

    /** The same with another limit. */
    T end(Duration limit) {
        try {
            return result.get(limit.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (TimeoutException e) {
            throw new IllegalStateException("the call did not end in " + limit, e);
        }
    }
}
