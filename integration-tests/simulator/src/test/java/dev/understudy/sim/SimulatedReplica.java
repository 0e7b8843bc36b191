package dev.understudy.sim;

import dev.understudy.model.Ack;
import dev.understudy.model.ShardKey;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.InMemorySharedReplica;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.SharedReplicaFailure;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The shared replica as one instance reaches it: a step before and after every call, faults, and announcements that wait until they are
 * delivered. Confined to the running actor.
 */
final class SimulatedReplica implements SharedReplica {
    private final int instance;
    private final InMemorySharedReplica connection;
    private final Scheduler scheduler;
    private final Faults faults;
    /** Commands whose callers have given up; they run before the next one of this connection. */
    private final Deque<Runnable> late = new ArrayDeque<>();

    private final Deque<Runnable> announcements = new ArrayDeque<>();
    private boolean isCut;

    SimulatedReplica(int instance, InMemorySharedReplica connection, Scheduler scheduler, Faults faults) {
        this.instance = instance;
        this.connection = connection;
        this.scheduler = scheduler;
        this.faults = faults;
    }

    /** Hands the oldest announcement over, or loses it; false if there is none. */
    boolean deliver() {
        Runnable next = announcements.poll();
        if (next == null) {
            return false;
        }
        next.run();
        return true;
    }

    /** Runs the oldest command whose caller has given up; false if there is none. */
    boolean land() {
        Runnable next = late.poll();
        if (next == null) {
            return false;
        }
        next.run();
        return true;
    }

    void cut(boolean yes) {
        if (yes != isCut) {
            isCut = yes;
            reconnect();
        }
    }

    boolean isCut() {
        return isCut;
    }

    @Override
    public CompletionStage<Long> clockMicros() {
        return connection.clockMicros();
    }

    void reconnect() {
        connection.disconnect();
    }

    /** The instance is dead: nothing is heard any more. */
    void dead(boolean doLateCommandsLand) {
        while (doLateCommandsLand && land()) {
            // In order.
        }
        late.clear();
        announcements.clear();
        connection.close();
    }

    private <R> CompletionStage<R> call(Object what, boolean mayBeLate, Supplier<CompletionStage<R>> send) {
        Supplier<CompletionStage<R>> call = () -> traced(what, send.get());
        scheduler.send();
        while (land()) {
            // What was sent before on this connection runs before.
        }
        if (isCut || faults.hits(Faults.Kind.NOT_SENT)) {
            return failed(Reason.NOT_SENT);
        }
        if (mayBeLate && faults.hits(Faults.Kind.LATE)) {
            late.add(() -> call.get().whenComplete((reply, failure) -> {}));
            scheduler.step();
            return failed(Reason.NO_ANSWER);
        }
        CompletionStage<R> answer = call.get();
        boolean isLost = faults.hits(Faults.Kind.REPLY_LOST);
        scheduler.step();
        return isLost ? failed(Reason.NO_ANSWER) : answer;
    }

    private <R> CompletionStage<R> traced(Object what, CompletionStage<R> answer) {
        if (Scheduler.TRACE) {
            answer.whenComplete((reply, failure) ->
                    scheduler.trace(instance + " " + what + " = " + (failure == null ? reply : failure)));
        }
        return answer;
    }

    private static <R> CompletionStage<R> failed(Reason reason) {
        return CompletableFuture.failedFuture(new SharedReplicaFailure(reason, "a fault of the simulation", null));
    }

    @Override
    public SharedCache cache(String namespace, String cache, int shards) {
        return new Cache(connection.cache(namespace, cache, shards));
    }

    @Override
    public Optional<String> whyNot(Ack ack) {
        return connection.whyNot(ack);
    }

    @Override
    public long serverId() {
        return connection.serverId();
    }

    @Override
    public CompletionStage<Boolean> settle(Ack ack, Duration timeout, long server) {
        return call("settle", false, () -> connection.settle(ack, timeout, server));
    }

    @Override
    public void close() {
        connection.close();
    }

    private final class Cache implements SharedCache {
        private final SharedCache cache;

        Cache(SharedCache cache) {
            this.cache = cache;
        }

        @Override
        public int shards() {
            return cache.shards();
        }

        @Override
        public CompletionStage<List<@Nullable SharedEntry>> read(List<ShardKey> keys) {
            return call("read " + keys, false, () -> cache.read(keys));
        }

        @Override
        public <R> CompletionStage<R> submit(SharedCommand<R> command) {
            return call(command, !(command instanceof SharedCommand.Open), () -> cache.submit(command));
        }

        @Override
        public CompletionStage<List<ShardPosition>> positions() {
            return call("positions", false, cache::positions);
        }

        @Override
        public CompletionStage<List<Long>> pending() {
            return call("pending", false, cache::pending);
        }

        @Override
        public Subscription subscribe(AnnouncementListener listener) {
            Subscription subscription = cache.subscribe(new AnnouncementListener() {
                @Override
                public void announced(Announcement announcement) {
                    announcements.add(() -> {
                        if (faults.hits(Faults.Kind.ANNOUNCEMENT_LOST)) {
                            return;
                        }
                        listener.announced(announcement);
                        if (faults.hits(Faults.Kind.ANNOUNCEMENT_TWICE)) {
                            announcements.add(() -> listener.announced(announcement));
                        }
                    });
                }

                @Override
                public void interrupted() {
                    announcements.add(listener::interrupted);
                }
            });
            while (deliver()) {
                // The engine waits until it has heard of the subscription.
            }
            return subscription;
        }
    }
}
