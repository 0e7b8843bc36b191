package dev.understudy.adapters.redis;

import dev.understudy.model.Ack;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.spi.SharedReplica;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.protocol.CommandType;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The shared replica in Redis. Thread-safe.
 *
 * <h2>Connections</h2>
 *
 * Three, made again by themselves when lost: for commands, for announcements, and for waiting until replicas or the disk have
 * what was acknowledged, which blocks a connection. Each new one first asks the server who it is; commands fail without being
 * sent until it has answered. Calls are sent at most once.
 *
 * <h2>Threads</h2>
 *
 * Those of the client (stages complete and announcements are told there), one that reconnects. All end with {@link #close}.
 */
final class RedisReplica implements SharedReplica {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_-]*");
    private static final int SHARDS_MAX = 4096;

    private final Redis settings;
    private final RedisClient client;
    private final Runnable releaseClient;
    private final Connector connector;
    private final ScheduledExecutorService scheduler;
    private final LinkKeeper commands;
    private final Settling settling;
    private final Announcements announcements;
    private final Heartbeat heartbeat;
    private final List<RedisCache> caches = new CopyOnWriteArrayList<>();

    RedisReplica(Redis settings, RedisClient client, RedisURI uri, Runnable releaseClient) {
        this.settings = settings;
        this.client = client;
        this.releaseClient = releaseClient;
        this.connector = new Connector(client, uri, settings.where(), settings.commandTimeout(), settings.callsMax());
        this.scheduler = Executors.newSingleThreadScheduledExecutor(task -> {
            Thread thread = new Thread(task, "understudy-redis");
            thread.setDaemon(true);
            return thread;
        });
        this.commands = new LinkKeeper("command", connector::forCommands, scheduler, this::ready, () -> {});
        this.settling = new Settling(connector, scheduler, settings.commandTimeout(), settings.callsMax());
        this.announcements = new Announcements(connector, scheduler);
        this.heartbeat = new Heartbeat(scheduler, settings.commandTimeout());
    }

    /** Waits for the first connection. */
    RedisReplica connected() {
        try {
            Duration limit = settings.connectTimeout().multipliedBy(3);
            commands.start().get(limit.toNanos(), TimeUnit.NANOSECONDS);
            heartbeat.watch(List.of(commands::current, announcements::current), settling::ping);
            return this;
        } catch (ExecutionException e) {
            close();
            throw startFailure(e.getCause());
        } catch (TimeoutException e) {
            Throwable last = commands.lastFailure();
            close();
            throw startFailure(last == null ? e : last);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw startFailure(e);
        }
    }

    @Override
    public RedisCache cache(String namespace, String cache, int shards) {
        requireName("namespace", namespace);
        requireName("cache", cache);
        if (shards < 1 || shards > SHARDS_MAX) {
            throw new Invalid("shards " + shards + " is outside 1 to " + SHARDS_MAX);
        }
        Keyspace names = new Keyspace(namespace, cache, shards);
        requireShardCount(names);
        ScriptCalls scripts = new ScriptCalls(names, settings.injected(), settings.commandTimeout());
        RedisCache attached = new RedisCache(this, names, scripts, settings.commandTimeout());
        caches.add(attached);
        settling.writeUnder(namespace);
        return attached;
    }

    @Override
    public Optional<String> whyNot(Ack ack) {
        Link link = commands.current();
        if (link == null) {
            throw unavailable("the shared replica is not connected", null);
        }
        ServerFacts facts = await(connector.ask(link));
        Optional<String> policy = facts.evictingPolicy();
        if (policy.isPresent()) {
            return Optional.of("maxmemory-policy " + policy.get()
                    + " may evict pending writes; noeviction or a volatile-*" + " policy is needed");
        }
        return switch (ack.level()) {
            case ACCEPTED -> Optional.empty();
            case REPLICATED ->
                facts.replicas() >= ack.replicas()
                        ? Optional.empty()
                        : Optional.of("the server has " + facts.replicas() + " replicas, not " + ack.replicas());
            case FSYNCED -> settings.whyNotFsynced(facts);
        };
    }

    /** What the server says of itself now. */
    CompletionStage<ServerFacts> ask(Link link) {
        return connector.ask(link);
    }

    @Override
    public long serverId() {
        Link link = commands.current();
        return link == null ? 0 : link.facts().era();
    }

    @Override
    public CompletionStage<Long> clockMicros() {
        Link link = commands.current();
        if (link == null) {
            return RedisCache.notConnected();
        }
        Call<Long> time =
                new Call<>(Request.of(CommandType.TIME), RedisReplica::secondsAndMicros, settings.commandTimeout());
        link.send(time);
        return time;
    }

    private static Long secondsAndMicros(@Nullable Object reply) {
        if (!(reply instanceof List<?> parts
                && parts.size() == 2
                && parts.get(0) instanceof byte[] seconds
                && parts.get(1) instanceof byte[] micros)) {
            throw new IllegalStateException("the answer is no time");
        }
        return Long.parseLong(new String(seconds, StandardCharsets.US_ASCII)) * 1_000_000
                + Long.parseLong(new String(micros, StandardCharsets.US_ASCII));
    }

    @Override
    public OptionalLong memoryLimit() {
        Link link = commands.current();
        return link == null ? OptionalLong.empty() : link.facts().memoryLimit();
    }

    @Override
    public CompletionStage<Boolean> settle(Ack ack, Duration timeout, long server) {
        if (ack.level() == Ack.Level.ACCEPTED) {
            return CompletableFuture.completedFuture(true);
        }
        Link link = commands.current();
        if (link == null) {
            return RedisCache.notConnected();
        }
        if (link.facts().era() != server) {
            return CompletableFuture.completedFuture(false);
        }
        if (ack.level() == Ack.Level.FSYNCED && settings.isFsyncedBeforeReply(link.facts())) {
            return CompletableFuture.completedFuture(true);
        }
        return settling.settle(ack, timeout, server);
    }

    @Override
    public void close() {
        announcements.close();
        heartbeat.close();
        settling.close();
        commands.close();
        scheduler.shutdownNow();
        client.shutdown(0, 2, TimeUnit.SECONDS);
        releaseClient.run();
    }

    /** The connection for commands, or null. */
    @Nullable
    Link link() {
        return commands.current();
    }

    Announcements announcements() {
        return announcements;
    }

    /** A server that lost its data gets the shard counts of the caches in use again. */
    private void ready(Link link) {
        for (RedisCache cache : caches) {
            link.send(storeShardCount(cache.names()));
        }
    }

    private Call<Boolean> storeShardCount(Keyspace names) {
        return new Call<>(
                Request.of(CommandType.SET, names.shardCount(), Request.number(names.shards()), Request.text("NX")),
                reply -> reply != null,
                settings.commandTimeout());
    }

    private void requireShardCount(Keyspace names) {
        Link link = commands.current();
        if (link == null) {
            throw unavailable("the shared replica is not connected", null);
        }
        Call<Boolean> store = storeShardCount(names);
        Call<String> read = new Call<>(
                Request.of(CommandType.GET, names.shardCount()),
                reply -> reply instanceof byte[] bytes ? new String(bytes, StandardCharsets.UTF_8) : "none",
                settings.commandTimeout());
        link.send(List.of(store, read));
        await(store);
        String stored = await(read);
        if (!stored.equals(String.valueOf(names.shards()))) {
            throw new Invalid(
                    "cache " + names.cache() + " has " + stored + " shards in the shared replica, not "
                            + names.shards(),
                    null,
                    Tier.SHARED);
        }
    }

    private static <T> T await(CompletableFuture<T> stage) {
        try {
            return stage.get(1, TimeUnit.MINUTES); // calls have a timeout of their own
        } catch (ExecutionException e) {
            throw unavailable("the shared replica cannot be asked: " + cause(e).getMessage(), cause(e));
        } catch (TimeoutException e) {
            throw unavailable("the shared replica does not answer", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw unavailable("interrupted while waiting for the shared replica", e);
        }
    }

    private UnderstudyException startFailure(@Nullable Throwable failure) {
        Throwable cause =
                failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
        if (cause instanceof Invalid invalid) {
            return invalid;
        }
        String why = cause == null ? "unknown" : reason(cause);
        return unavailable("the shared replica at " + settings.where() + " cannot be used: " + why, cause);
    }

    /** The innermost message: the client wraps what happened in several layers. */
    private static String reason(Throwable failure) {
        Throwable inner = failure;
        for (Throwable next = inner.getCause(); next != null; next = inner.getCause()) {
            inner = next;
        }
        String message = inner.getMessage();
        return message == null ? inner.getClass().getSimpleName() : message;
    }

    private static Throwable cause(ExecutionException e) {
        Throwable cause = e.getCause();
        return cause == null ? e : cause;
    }

    private static Unavailable unavailable(String message, @Nullable Throwable cause) {
        return new Unavailable(message, cause, Tier.SHARED, Outcome.NOT_APPLIED);
    }

    private static void requireName(String what, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new Invalid(what + " \"" + name + "\" is not of the form " + NAME);
        }
    }
}
