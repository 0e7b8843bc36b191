package dev.understudy.torture;

import dev.understudy.model.Ack;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.ApplyReply;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.FillReply;
import dev.understudy.spi.LeaseReply;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.AppliedChange;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.WriteBackReply;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A shared replica that is used in a wrong way. Thread-safe. */
record SeededReplica(SharedReplica replica, Seeded bug) implements SharedReplica {
    private static final int EACH = 20;
    private static final Duration LEASE = Duration.ofSeconds(2);
    private static final Duration LIFE = Duration.ofMinutes(1);
    private static final long LATER_MILLIS = 20;

    @Override
    public SharedCache cache(String namespace, String cache, int shards) {
        return new Cache(replica.cache(namespace, cache, shards));
    }

    @Override
    public Optional<String> whyNot(Ack ack) {
        return replica.whyNot(ack);
    }

    @Override
    public long serverId() {
        return replica.serverId();
    }

    @Override
    public CompletionStage<Boolean> settle(Ack ack, Duration timeout, long server) {
        return replica.settle(ack, timeout, server);
    }

    @Override
    public CompletionStage<Long> clockMicros() {
        return replica.clockMicros();
    }

    @Override
    public OptionalLong memoryLimit() {
        return replica.memoryLimit();
    }

    @Override
    public void close() {
        replica.close();
    }

    private static boolean now() {
        return ThreadLocalRandom.current().nextInt(EACH) == 0;
    }

    private final class Cache implements SharedCache {
        private final SharedCache cache;
        private volatile @Nullable CompletionStage<List<ShardPosition>> first;

        Cache(SharedCache cache) {
            this.cache = cache;
        }

        @Override
        public int shards() {
            return cache.shards();
        }

        @Override
        public CompletionStage<List<@Nullable SharedEntry>> read(List<ShardKey> keys) {
            return cache.read(keys);
        }

        @Override
        public CompletionStage<List<Long>> pending() {
            return cache.pending();
        }

        @Override
        public CompletionStage<List<ShardPosition>> positions() {
            CompletionStage<List<ShardPosition>> then = first;
            if (bug != Seeded.NO_ANNOUNCEMENT || then == null) {
                then = cache.positions();
                first = then;
            }
            return then;
        }

        @Override
        public Subscription subscribe(AnnouncementListener listener) {
            if (bug != Seeded.NO_ANNOUNCEMENT) {
                return cache.subscribe(listener);
            }
            return cache.subscribe(new AnnouncementListener() {
                @Override
                public void announced(Announcement announcement) {}

                @Override
                public void interrupted() {
                    listener.interrupted();
                }
            });
        }

        @Override
        @SuppressWarnings("unchecked") // the reply of a command is of the command's type
        public <R> CompletionStage<R> submit(SharedCommand<R> command) {
            if (bug == Seeded.NO_MARKER && command instanceof SharedCommand.Prepare prepare) {
                return (CompletionStage<R>) withdrawn(prepare);
            }
            if (bug == Seeded.FILLED_WITHOUT_LEASE && command instanceof SharedCommand.Fill fill) {
                return (CompletionStage<R>) forced(fill);
            }
            if (bug == Seeded.NO_VERSION_GUARD && command instanceof SharedCommand.Apply apply) {
                return (CompletionStage<R>) overNewer(apply);
            }
            if (bug == Seeded.ACKED_BEFORE_LOGGED && command instanceof SharedCommand.WriteBack write && now()) {
                Version version = new Version(write.known().value() + System.currentTimeMillis() * 1_000);
                return (CompletionStage<R>)
                        CompletableFuture.completedStage(new WriteBackReply.Accepted(version, Position.NONE, false));
            }
            if (bug == Seeded.NO_WRITE_ID && command instanceof SharedCommand.WriteBack write && now()) {
                return (CompletionStage<R>) twice(write);
            }
            return cache.submit(command);
        }

        private CompletionStage<?> withdrawn(SharedCommand.Prepare prepare) {
            return cache.submit(prepare)
                    .thenCompose(prepared -> cache.submit(new SharedCommand.Apply(
                                    prepare.key(),
                                    prepare.generation(),
                                    AppliedChange.ABORTED,
                                    Version.ABSENT,
                                    new byte[0],
                                    LIFE,
                                    Optional.of(prepared),
                                    ThreadLocalRandom.current().nextLong(),
                                    false))
                            .thenApply(reply -> prepared));
        }

        private CompletionStage<?> forced(SharedCommand.Fill fill) {
            return cache.submit(fill)
                    .thenCompose(reply -> reply == FillReply.FILLED
                            ? CompletableFuture.completedStage(reply)
                            : filled(fill).thenApply(again -> again.orElse(reply)));
        }

        private CompletionStage<?> overNewer(SharedCommand.Apply apply) {
            return cache.submit(apply)
                    .thenCompose(reply -> reply.result() != ApplyReply.Result.OLDER
                            ? CompletableFuture.completedStage(reply)
                            : cache.submit(new SharedCommand.Invalidate(
                                            apply.key(), apply.generation(), Version.ABSENT))
                                    .thenCompose(forgotten -> filled(new SharedCommand.Fill(
                                            apply.key(),
                                            apply.generation(),
                                            0,
                                            EntryKind.VALUE,
                                            apply.version(),
                                            apply.payload(),
                                            apply.timeToLive())))
                                    .thenApply(filled -> reply));
        }

        /** Fills under a lease that it takes for this, if it gets one. */
        private CompletionStage<Optional<FillReply>> filled(SharedCommand.Fill fill) {
            long lease = ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE >> 11);
            return cache.submit(new SharedCommand.Lease(fill.key(), fill.generation(), lease, LEASE))
                    .thenCompose(granted -> granted instanceof LeaseReply.Granted
                            ? cache.submit(new SharedCommand.Fill(
                                            fill.key(),
                                            fill.generation(),
                                            lease,
                                            fill.kind(),
                                            fill.version(),
                                            fill.payload(),
                                            fill.timeToLive()))
                                    .thenApply(Optional::of)
                            : CompletableFuture.completedStage(Optional.empty()));
        }

        private CompletionStage<?> twice(SharedCommand.WriteBack write) {
            return cache.submit(write)
                    .thenCompose(reply -> CompletableFuture.supplyAsync(
                                    () -> reply, CompletableFuture.delayedExecutor(LATER_MILLIS, TimeUnit.MILLISECONDS))
                            .thenCompose(same -> cache.submit(new SharedCommand.WriteBack(
                                    write.key(),
                                    write.generation(),
                                    write.kind(),
                                    write.payload(),
                                    ThreadLocalRandom.current().nextLong(1, Long.MAX_VALUE >> 11),
                                    write.condition(),
                                    write.base(),
                                    write.limit(),
                                    write.known(),
                                    write.carried())))
                            .thenApply(again -> reply));
        }
    }
}
