package dev.understudy.spi;

import dev.understudy.model.Ack;
import dev.understudy.model.ShardKey;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A shared replica with faults at chosen places, in front of any other. Thread-safe.
 *
 * <p>A fault is registered for the next call of a kind ({@link #next}) or for all ({@link #every}). A kind is the class of a
 * {@link SharedCommand}, {@code SharedCommand.class} for all of them, or {@link Reading}, {@link Positions},
 * {@link PendingCounts} or {@link Settling} for what is not a command. One call meets at most one fault, the oldest that fits.
 */
public final class FaultySharedReplica implements SharedReplica {
    /** A call of {@link SharedCache#read}. */
    public record Reading(List<ShardKey> keys) {}

    /** A call of {@link SharedCache#positions}. */
    public record Positions() {}

    /** A call of {@link SharedCache#pending}. */
    public record PendingCounts() {}

    /** A call of {@link SharedReplica#settle}. */
    public record Settling(Ack ack) {}

    /** What happens to a call. */
    @FunctionalInterface
    public interface Fault {
        /** Sends the call, or not, and gives the stage that the caller sees. */
        CompletionStage<Object> around(Object call, Supplier<CompletionStage<Object>> send);

        /** Runs on the calling thread before the call is sent; what it throws fails the stage, and nothing is sent. */
        static Fault before(Runnable hook) {
            return (call, send) -> {
                hook.run();
                return send.get();
            };
        }

        /** Runs after the call has run and before its caller hears of it. */
        static Fault after(Runnable hook) {
            return (call, send) -> send.get().thenApply(reply -> {
                hook.run();
                return reply;
            });
        }

        /** Nothing is sent. */
        static Fault notSent() {
            return failing(SharedReplicaFailure.Reason.NOT_SENT);
        }

        /** Nothing is sent and the stage fails for that reason. */
        static Fault failing(SharedReplicaFailure.Reason reason) {
            return (call, send) -> CompletableFuture.failedFuture(
                    new SharedReplicaFailure(reason, "a fault of the test: " + reason, null));
        }

        /** The call runs, and its answer is lost. */
        static Fault replyLost() {
            return (call, send) -> send.get()
                    .handle((reply, failure) -> null)
                    .thenCompose(nothing -> CompletableFuture.failedFuture(new SharedReplicaFailure(
                            SharedReplicaFailure.Reason.NO_ANSWER, "a fault of the test: the reply is lost", null)));
        }

        /** The call is sent when the hold is released. */
        static Fault heldBefore(Hold hold) {
            return (call, send) -> {
                hold.arrived.countDown();
                return hold.gate.thenCompose(nothing -> send.get());
            };
        }

        /** The call runs at once; its caller hears of it when the hold is released. */
        static Fault heldAfter(Hold hold) {
            return (call, send) -> {
                CompletionStage<Object> sent = send.get();
                hold.arrived.countDown();
                return hold.gate.thenCompose(nothing -> sent);
            };
        }
    }

    /** A place where a call waits. Thread-safe. */
    public static final class Hold {
        private final CountDownLatch arrived = new CountDownLatch(1);
        private final CompletableFuture<@Nullable Void> gate = new CompletableFuture<>();

        /** A hold that nobody has reached. */
        public Hold() {}

        /** Waits until a call is held here; false if none came in that time. */
        public boolean awaitArrival(Duration limit) throws InterruptedException {
            return arrived.await(limit.toNanos(), TimeUnit.NANOSECONDS);
        }

        /** Lets the call go on, on this thread; later calls do not wait any more. */
        public void release() {
            gate.complete(null);
        }
    }

    /** A registered fault. */
    public interface Rule extends AutoCloseable {
        /** Ends the fault. */
        @Override
        void close();
    }

    private record Registered(Class<?> kind, Fault fault, AtomicBoolean spent, boolean once) {}

    private final SharedReplica inner;
    private final List<Registered> rules = new CopyOnWriteArrayList<>();

    /** Stands in front of another. */
    public FaultySharedReplica(SharedReplica inner) {
        this.inner = inner;
    }

    /** The next call of that kind meets the fault. */
    public Rule next(Class<?> kind, Fault fault) {
        return register(kind, fault, true);
    }

    /** Every call of that kind meets the fault, until the rule is closed. */
    public Rule every(Class<?> kind, Fault fault) {
        return register(kind, fault, false);
    }

    /** Tells the watcher of every call of that kind before it is sent. */
    public Rule watch(Class<?> kind, Consumer<Object> watcher) {
        return every(kind, (call, send) -> {
            watcher.accept(call);
            return send.get();
        });
    }

    @Override
    public SharedCache cache(String namespace, String cache, int shards) {
        return new FaultyCache(inner.cache(namespace, cache, shards));
    }

    @Override
    public Optional<String> whyNot(Ack ack) {
        return inner.whyNot(ack);
    }

    @Override
    public long serverId() {
        return inner.serverId();
    }

    @Override
    public CompletionStage<Long> clockMicros() {
        return inner.clockMicros();
    }

    @Override
    public OptionalLong memoryLimit() {
        return inner.memoryLimit();
    }

    @Override
    public CompletionStage<Boolean> settle(Ack ack, Duration timeout, long server) {
        return around(new Settling(ack), () -> inner.settle(ack, timeout, server));
    }

    @Override
    public void close() {
        inner.close();
    }

    private Rule register(Class<?> kind, Fault fault, boolean once) {
        Registered rule = new Registered(kind, fault, new AtomicBoolean(), once);
        rules.add(rule);
        return () -> rules.remove(rule);
    }

    @SuppressWarnings("unchecked") // a fault gives back the reply of what it sent, or fails
    private <R> CompletionStage<R> around(Object call, Supplier<CompletionStage<R>> send) {
        for (Registered rule : rules) {
            if (rule.kind().isInstance(call) && (!rule.once() || rule.spent().compareAndSet(false, true))) {
                if (rule.once()) {
                    rules.remove(rule);
                }
                try {
                    return unwrapped(
                            (CompletionStage<R>) rule.fault().around(call, () -> (CompletionStage<Object>) send.get()));
                } catch (RuntimeException e) { // thrown by a hook: the call was not sent
                    return CompletableFuture.failedFuture(e);
                }
            }
        }
        return send.get();
    }

    /** The same stage, failing with the cause itself, as an adapter's stages do. */
    private static <R> CompletionStage<R> unwrapped(CompletionStage<R> stage) {
        CompletableFuture<R> plain = new CompletableFuture<>();
        stage.whenComplete((reply, failure) -> {
            if (failure == null) {
                plain.complete(reply);
            } else {
                Throwable cause = failure.getCause();
                plain.completeExceptionally(failure instanceof CompletionException && cause != null ? cause : failure);
            }
        });
        return plain;
    }

    /** A cache behind the faults. */
    private final class FaultyCache implements SharedCache {
        private final SharedCache cache;

        FaultyCache(SharedCache cache) {
            this.cache = cache;
        }

        @Override
        public int shards() {
            return cache.shards();
        }

        @Override
        public CompletionStage<List<@Nullable SharedEntry>> read(List<ShardKey> keys) {
            return around(new Reading(keys), () -> cache.read(keys));
        }

        @Override
        public <R> CompletionStage<R> submit(SharedCommand<R> command) {
            return around(command, () -> cache.submit(command));
        }

        @Override
        public List<CompletionStage<DrainedReply>> drained(List<SharedCommand.Drained> commands) {
            boolean meetFaults =
                    rules.stream().anyMatch(rule -> rule.kind().isAssignableFrom(SharedCommand.Drained.class));
            return meetFaults ? SharedCache.super.drained(commands) : cache.drained(commands);
        }

        @Override
        public CompletionStage<List<ShardPosition>> positions() {
            return around(new Positions(), cache::positions);
        }

        @Override
        public CompletionStage<List<Long>> pending() {
            return around(new PendingCounts(), cache::pending);
        }

        @Override
        public Subscription subscribe(AnnouncementListener listener) {
            return cache.subscribe(listener);
        }
    }
}
