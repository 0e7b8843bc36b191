package dev.understudy.adapters.redis;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.ShardStatus;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplicaFailure;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One cache's shards in Redis. Thread-safe. A shard is open on one link: the one on which its OPEN was answered; a new link
 * begins with all shards closed.
 */
final class RedisCache implements SharedCache {
    private static final Logger LOG = LoggerFactory.getLogger(RedisCache.class);

    private final RedisReplica replica;
    private final Keyspace names;
    private final ScriptCalls scripts;
    private final Duration timeout;
    private final AtomicReferenceArray<@Nullable Opening> openings;
    private final AtomicLong undecodable = new AtomicLong();

    /** An answered OPEN: on which link, and the shard's generation then or since a DISTRUST of this instance. */
    private record Opening(Link link, Generation generation) {}

    RedisCache(RedisReplica replica, Keyspace names, ScriptCalls scripts, Duration timeout) {
        this.replica = replica;
        this.names = names;
        this.scripts = scripts;
        this.timeout = timeout;
        this.openings = new AtomicReferenceArray<>(names.shards());
    }

    @Override
    public int shards() {
        return names.shards();
    }

    Keyspace names() {
        return names;
    }

    @Override
    @SuppressWarnings("NullAway") // JDK 17 does not read annotations this deep from the port's class file
    public CompletionStage<List<@Nullable SharedEntry>> read(List<ShardKey> keys) {
        if (keys.isEmpty()) {
            return CompletableFuture.completedFuture(List.of());
        }
        Link link = replica.link();
        if (link == null) {
            return notConnected();
        }
        byte[][] entries = new byte[keys.size()][];
        for (int i = 0; i < entries.length; i++) {
            ShardKey key = keys.get(i);
            if (!isOpen(key.shard(), link)) {
                return CompletableFuture.failedFuture(new GenerationChanged(key.shard()));
            }
            entries[i] = names.entry(key.shard(), Keyspace.bytes(key.text()));
        }
        if (entries.length == 1) {
            int shard = keys.get(0).shard();
            return link.reads().read(entries[0], reply -> single(entry(reply, shard, link)), timeout);
        }
        return link.send(
                new Call<>(Request.of(CommandType.MGET, entries), reply -> entries(reply, keys, link), timeout));
    }

    private boolean isOpen(int shard, Link link) {
        Opening opening = openings.get(shard);
        return opening != null && opening.link() == link;
    }

    @Override
    public <R> CompletionStage<R> submit(SharedCommand<R> command) {
        Link link = replica.link();
        if (link == null) {
            return notConnected();
        }
        int shard = command.shard();
        if (!(command instanceof SharedCommand.Open) && !isOpen(shard, link)) {
            return CompletableFuture.failedFuture(new GenerationChanged(shard));
        }
        @SuppressWarnings("unchecked") // the reply's type is that of the command
        CompletionStage<R> reply = (CompletionStage<R>) sent(command, link);
        return reply;
    }

    /** {@inheritDoc} See {@link DrainedSteps}. */
    @Override
    public List<CompletionStage<DrainedReply>> drained(List<SharedCommand.Drained> commands) {
        Link link = replica.link();
        if (link == null) {
            return SharedCache.super.drained(commands);
        }
        DrainedSteps steps = new DrainedSteps(scripts, link);
        List<CompletionStage<DrainedReply>> replies = new ArrayList<>(commands.size());
        for (SharedCommand.Drained command : commands) {
            replies.add(
                    isOpen(command.shard(), link)
                            ? steps.add(command)
                            : CompletableFuture.failedFuture(new GenerationChanged(command.shard())));
        }
        steps.send();
        return replies;
    }

    private CompletionStage<?> sent(SharedCommand<?> command, Link link) {
        if (command instanceof SharedCommand.WriteBack c) {
            return link.send(scripts.writeBack(c));
        } else if (command instanceof SharedCommand.Lease c) {
            return link.send(scripts.lease(c));
        } else if (command instanceof SharedCommand.Fill c) {
            return link.send(scripts.fill(c));
        } else if (command instanceof SharedCommand.Prepare c) {
            return link.send(scripts.prepare(c));
        } else if (command instanceof SharedCommand.Apply c) {
            return link.send(scripts.apply(c));
        } else if (command instanceof SharedCommand.Renew c) {
            return link.send(scripts.renew(c));
        } else if (command instanceof SharedCommand.Drained c) {
            return link.send(scripts.drained(c));
        } else if (command instanceof SharedCommand.Peek c) {
            return link.send(scripts.peek(c, vanished -> reportVanished(c, vanished, link)));
        } else if (command instanceof SharedCommand.Invalidate c) {
            return link.send(scripts.invalidate(c));
        } else if (command instanceof SharedCommand.Distrust c) {
            return link.send(scripts.distrust(c, generation -> openings.set(c.shard(), new Opening(link, generation))));
        } else if (command instanceof SharedCommand.Restore c) {
            return link.send(scripts.restore(c));
        } else if (command instanceof SharedCommand.Status c) {
            return link.send(scripts.status(c.shard(), c.generation()));
        } else if (command instanceof SharedCommand.ReportLost c) {
            return reportLost(c, link);
        } else if (command instanceof SharedCommand.Open c) {
            return isOpen(c.shard(), link) ? reopened(c, link) : opened(c, link);
        }
        throw new IllegalArgumentException(
                "no such command: " + command.getClass().getSimpleName());
    }

    private CompletionStage<ShardPosition> opened(SharedCommand.Open command, Link link) {
        int shard = command.shard();
        return link.send(scripts.open(
                shard, link.facts().era(), generation -> openings.set(shard, new Opening(link, generation))));
    }

    /**
     * Of a shard that got another generation while the connection stood: perhaps the server has another history by now, of which others know
     * already. Whoever opened with the one of before would begin a generation as well, and they another, for ever.
     */
    private CompletionStage<ShardPosition> reopened(SharedCommand.Open command, Link link) {
        return replica.ask(link).thenCompose(facts -> {
            if (facts.era() == link.facts().era()) {
                return opened(command, link);
            }
            link.lost();
            return CompletableFuture.failedStage(new SharedReplicaFailure(
                    SharedReplicaFailure.Reason.NOT_SENT,
                    "the server has another history than when the connection was made",
                    null));
        });
    }

    @Override
    public CompletionStage<List<ShardPosition>> positions() {
        Link link = replica.link();
        if (link == null) {
            return notConnected();
        }
        return link.send(new Call<>(Request.of(CommandType.MGET, metas()), reply -> positions(reply, link), timeout));
    }

    private byte[][] metas() {
        byte[][] metas = new byte[shards()][];
        for (int shard = 0; shard < metas.length; shard++) {
            metas[shard] = names.meta(shard);
        }
        return metas;
    }

    /** {@inheritDoc} Told by the shards' counters; the queue of a shard that has lost them is counted. */
    @Override
    public CompletionStage<List<Long>> pending() {
        Link link = replica.link();
        if (link == null) {
            return notConnected();
        }
        Map<Integer, Call<Long>> uncounted = new LinkedHashMap<>();
        Call<List<Long>> counted = new Call<>(
                Request.of(CommandType.MGET, metas()),
                reply -> {
                    List<Long> queued = new ArrayList<>(shards());
                    for (Object meta : list(reply)) {
                        if (meta instanceof byte[] bytes) {
                            queued.add(EntryLayout.queued(bytes));
                        } else {
                            uncounted.put(queued.size(), count(queued.size()));
                            queued.add(0L);
                        }
                    }
                    return queued;
                },
                timeout);
        return link.send(counted).thenCompose(queued -> {
            if (uncounted.isEmpty()) {
                return CompletableFuture.completedFuture(queued);
            }
            link.send(List.copyOf(uncounted.values()));
            return CompletableFuture.allOf(uncounted.values().toArray(CompletableFuture[]::new))
                    .thenApply(done -> {
                        uncounted.forEach((shard, count) -> queued.set(shard, count.join()));
                        return queued;
                    });
        });
    }

    private Call<Long> count(int shard) {
        return new Call<>(
                Request.of(CommandType.ZCARD, names.queue(shard)),
                reply -> {
                    if (reply instanceof Long count) {
                        return count;
                    }
                    throw new IllegalArgumentException("no number");
                },
                timeout);
    }

    @Override
    public Subscription subscribe(AnnouncementListener listener) {
        return replica.announcements().subscribe(names.channelName(), shards(), listener);
    }

    private CompletionStage<ShardStatus> reportLost(SharedCommand.ReportLost c, Link link) {
        Call<Boolean> report = scripts.lost(c);
        Call<ShardStatus> count = scripts.status(c.shard(), c.generation());
        CompletableFuture<ShardStatus> status = new CompletableFuture<>();
        report.whenComplete((done, failure) -> {
            if (failure != null) {
                status.completeExceptionally(failure);
            }
        });
        count.whenComplete((counted, failure) -> { // answered after the report
            if (failure == null) {
                status.complete(counted);
            } else {
                status.completeExceptionally(failure);
            }
        });
        link.send(List.of(report, count));
        return status;
    }

    /** Takes keys out of the queue whose records somebody deleted; the script counts them as lost. */
    private void reportVanished(SharedCommand.Peek peek, List<ShardKey> vanished, Link link) {
        LOG.error(
                "{} pending records of shard {} of cache {} were deleted by somebody else: these writes are lost",
                vanished.size(),
                peek.shard(),
                names.cache());
        for (ShardKey key : vanished) {
            link.send(scripts.drained(new SharedCommand.Drained(
                    key,
                    peek.generation(),
                    Version.ABSENT,
                    EntryKind.DELETED,
                    SharedCommand.Fate.SUPERSEDED,
                    Optional.empty(),
                    Duration.ZERO,
                    0)));
        }
    }

    private List<@Nullable SharedEntry> entries(@Nullable Object reply, List<ShardKey> keys, Link link) {
        List<@Nullable SharedEntry> entries = new ArrayList<>(keys.size());
        for (Object each : list(reply)) {
            entries.add(entry(each, keys.get(entries.size()).shard(), link));
        }
        return entries;
    }

    private static List<@Nullable SharedEntry> single(@Nullable SharedEntry entry) {
        List<@Nullable SharedEntry> single = new ArrayList<>(1);
        single.add(entry);
        return single;
    }

    /** A clean entry means nothing unless it is of the generation with which the shard is open on that link when the answer arrives. */
    private @Nullable SharedEntry entry(@Nullable Object bytes, int shard, Link link) {
        SharedEntry entry = entry(bytes);
        if (entry == null || entry.pending()) {
            return entry;
        }
        Opening opening = openings.get(shard);
        boolean isPresent =
                opening != null && opening.link() == link && entry.generation().equals(opening.generation());
        return isPresent ? entry : null;
    }

    private @Nullable SharedEntry entry(@Nullable Object bytes) {
        if (!(bytes instanceof byte[] given)) {
            return null;
        }
        try {
            return EntryLayout.decode(given);
        } catch (IllegalArgumentException e) {
            // Not written by these scripts: as good as no entry; the primary answers.
            long count = undecodable.incrementAndGet();
            if (Long.bitCount(count) == 1) {
                LOG.warn("{} entries of cache {} could not be decoded so far", count, names.cache());
            }
            return null;
        }
    }

    private static List<?> list(@Nullable Object reply) {
        if (reply instanceof List<?> list) {
            return list;
        }
        throw new IllegalArgumentException("no list");
    }

    private List<ShardPosition> positions(@Nullable Object reply, Link link) {
        List<?> metas = list(reply);
        List<ShardPosition> positions = new ArrayList<>(metas.size());
        for (int shard = 0; shard < metas.size(); shard++) {
            boolean isOpen = isOpen(shard, link);
            Position position =
                    isOpen && metas.get(shard) instanceof byte[] meta ? EntryLayout.position(meta) : Position.NONE;
            positions.add(new ShardPosition(shard, position));
        }
        return positions;
    }

    /** The reply to what was not sent, as there is no connection. */
    static <R> CompletionStage<R> notConnected() {
        return CompletableFuture.failedFuture(new SharedReplicaFailure(
                SharedReplicaFailure.Reason.NOT_SENT, "the shared replica is not connected", null));
    }
}
