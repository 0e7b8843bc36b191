package dev.understudy;

import java.time.Duration;
import java.util.Arrays;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/** Calls on threads of their own. Stateless. */
final class Calls {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private Calls() {}

    /** A call on a thread of its own. Thread-safe. */
    static final class Call<T> {
        private final CompletableFuture<T> result = new CompletableFuture<>();
        private final Thread thread;

        private Call(Supplier<T> call) {
            thread = new Thread(() -> {
                try {
                    result.complete(call.get());
                } catch (Throwable e) {
                    result.completeExceptionally(e);
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        boolean isOver() {
            return result.isDone();
        }

        /** The answer; what the call threw is thrown as it is. */
        T end() throws Exception {
            return result.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
        }

        /** What it threw. */
        @Nullable
        Throwable failure() {
            try {
                result.orTimeout(LIMIT.toMillis(), TimeUnit.MILLISECONDS).join();
                return null;
            } catch (CompletionException e) {
                return e.getCause();
            }
        }

        boolean waitsIn(String className) {
            return thread.getState() == Thread.State.TIMED_WAITING
                    && Arrays.stream(thread.getStackTrace())
                            .anyMatch(frame -> frame.getClassName().equals(className));
        }
    }

    static <T> Call<T> begin(Supplier<T> call) {
        return new Call<>(call);
    }

    /** Waits until all of them wait inside the class of that name. */
    static void awaitWaitingIn(String className, Collection<? extends Call<?>> calls) {
        Awaitility.await().atMost(LIMIT).until(() -> calls.stream().allMatch(call -> call.waitsIn(className)));
    }
}
