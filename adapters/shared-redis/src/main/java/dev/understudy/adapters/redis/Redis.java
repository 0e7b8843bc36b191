package dev.understudy.adapters.redis;

import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import dev.understudy.spi.SharedReplica;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.metrics.CommandLatencyRecorder;
import io.lettuce.core.protocol.RedisCommand;
import io.lettuce.core.resource.ClientResources;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Where the shared replica is: Redis 7.0 or newer, or Valkey 7.2 or newer, as one primary (with replicas and Sentinel, if
 * wished; not in cluster mode). Immutable, thread-safe.
 *
 * <pre>{@code
 * Redis.at("rediss://user:password@host:6380").commandTimeout(Duration.ofMillis(500))
 * }</pre>
 *
 * <p>Rights that suffice for a namespace {@code shop}: {@code ~shop:* &shop:* +get +mget +set +mset +getrange +setrange +pexpire
 * +persist +del +zadd +zcard +zrem +zrange +zrangebyscore +eval +evalsha +script|load +publish +subscribe +unsubscribe +info +time
 * +ping}, and {@code +wait} or {@code +waitaof} for the ack levels that need them. {@code +config|get} is used if it is allowed.
 */
public final class Redis implements Supplier<SharedReplica> {
    /** When the server forces its append-only file to disk (its setting {@code appendfsync}). */
    public enum AppendFsync {
        /** Before each reply. */
        ALWAYS,
        /** Once a second. */
        EVERYSEC,
        /** Whenever the system does. */
        NO
    }

    private static final Duration TIMEOUT_MIN = Duration.ofMillis(10);
    private static final Duration TIMEOUT_MAX = Duration.ofMinutes(1);

    private final String uri;
    private final Duration commandTimeout;
    private final Duration connectTimeout;
    private final int callsMax;
    private final Optional<AppendFsync> declared;
    private final Optional<ClientResources> resources;
    private final Injected injected;

    private Redis(
            String uri,
            Duration commandTimeout,
            Duration connectTimeout,
            int callsMax,
            Optional<AppendFsync> declared,
            Optional<ClientResources> resources,
            Injected injected) {
        this.uri = uri;
        this.commandTimeout = commandTimeout;
        this.connectTimeout = connectTimeout;
        this.callsMax = callsMax;
        this.declared = declared;
        this.resources = resources;
        this.injected = injected;
    }

    /**
     * The server at an address in Lettuce's form: {@code redis://[user:password@]host[:port][/database]}, {@code rediss://} with
     * TLS, {@code redis-sentinel://[password@]host[:port][,host...]/database#primary} through Sentinel.
     *
     * @throws Invalid if it is no such address
     */
    public static Redis at(String uri) {
        parsed(uri);
        return new Redis(
                uri,
                Duration.ofSeconds(1),
                Duration.ofSeconds(5),
                10_000,
                Optional.empty(),
                Optional.empty(),
                Injected.NOTHING);
    }

    /** How long a reply may take; 1 second unless told, 10 ms to 1 minute. A server that sends nothing for so long is given up. */
    public Redis commandTimeout(Duration limit) {
        requireTimeout("commandTimeout", limit);
        return new Redis(uri, limit, connectTimeout, callsMax, declared, resources, injected);
    }

    /** How long making a connection may take; 5 seconds unless told, 10 ms to 1 minute. The first one may take three times as long. */
    public Redis connectTimeout(Duration limit) {
        requireTimeout("connectTimeout", limit);
        return new Redis(uri, commandTimeout, limit, callsMax, declared, resources, injected);
    }

    /** How many calls may wait for their replies on a connection; 10,000 unless told, 100 to 1,000,000. More are not sent. */
    public Redis callsMax(int calls) {
        if (calls < 100 || calls > 1_000_000) {
            throw new Invalid("callsMax " + calls + " is outside 100 to 1,000,000");
        }
        return new Redis(uri, commandTimeout, connectTimeout, calls, declared, resources, injected);
    }

    /**
     * What the server's {@code appendfsync} is, for a server that does not allow CONFIG GET; ignored where it does. To be declared only for
     * a server whose {@code no-appendfsync-on-rewrite} is {@code no}.
     */
    public Redis appendFsync(AppendFsync setting) {
        return new Redis(uri, commandTimeout, connectTimeout, callsMax, Optional.of(setting), resources, injected);
    }

    /** Threads and timers shared with other clients; the caller shuts them down. Unless told, the replica has its own. */
    public Redis resources(ClientResources shared) {
        return new Redis(uri, commandTimeout, connectTimeout, callsMax, declared, Optional.of(shared), injected);
    }

    /** For tests: what the scripts are told. */
    Redis injected(Injected told) {
        return new Redis(uri, commandTimeout, connectTimeout, callsMax, declared, resources, told);
    }

    /**
     * Connects.
     *
     * @throws Invalid if the server is too old, a replica, or a cluster
     * @throws dev.understudy.model.Unavailable if it cannot be reached or refuses
     */
    @Override
    public SharedReplica get() {
        return open();
    }

    RedisReplica open() {
        ClientResources own = resources.orElseGet(() -> ClientResources.builder()
                .commandLatencyRecorder(CommandLatencyRecorder.disabled())
                .build());
        RedisURI target = parsed(uri);
        target.setTimeout(connectTimeout);
        RedisClient client = RedisClient.create(own);
        client.setOptions(options());
        Runnable release = resources.isPresent()
                ? () -> {}
                : () -> own.shutdown(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        return new RedisReplica(this, client, target, release).connected();
    }

    /** Connections are never revived by the client: that would send again what may have run, to a server nobody has greeted. */
    private ClientOptions options() {
        Duration limit = commandTimeout;
        return ClientOptions.builder()
                .autoReconnect(false)
                .replayFilter(command -> true)
                .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
                .requestQueueSize(callsMax)
                .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                .socketOptions(SocketOptions.builder()
                        .connectTimeout(connectTimeout)
                        .tcpNoDelay(true)
                        .keepAlive(true)
                        .build())
                .timeoutOptions(TimeoutOptions.builder()
                        .timeoutSource(new TimeoutOptions.TimeoutSource() {
                            @Override
                            public long getTimeout(RedisCommand<?, ?, ?> command) {
                                return command instanceof Call<?> call
                                        ? call.timeout().toNanos()
                                        : limit.toNanos();
                            }

                            @Override
                            public TimeUnit getTimeUnit() {
                                return TimeUnit.NANOSECONDS;
                            }
                        })
                        .build())
                .build();
    }

    Duration commandTimeout() {
        return commandTimeout;
    }

    int callsMax() {
        return callsMax;
    }

    Duration connectTimeout() {
        return connectTimeout;
    }

    Injected injected() {
        return injected;
    }

    /** Hosts and ports, without credentials. */
    String where() {
        RedisURI target = parsed(uri);
        if (target.getSentinels().isEmpty()) {
            return target.getHost() + ":" + target.getPort();
        }
        return target.getSentinels().stream()
                .map(sentinel -> sentinel.getHost() + ":" + sentinel.getPort())
                .collect(Collectors.joining(",", "Sentinel ", ""));
    }

    /** Whether a reply is sent only after its writes are on disk. */
    boolean isFsyncedBeforeReply(ServerFacts facts) {
        return facts.isAppendOnly() && appendFsync(facts).equals(Optional.of(AppendFsync.ALWAYS));
    }

    /** Why FSYNCED cannot be kept on that server; empty if it can. */
    Optional<String> whyNotFsynced(ServerFacts facts) {
        if (!facts.isAppendOnly()) {
            return Optional.of("the server has no append-only file (appendonly no)");
        }
        Optional<AppendFsync> setting = appendFsync(facts);
        if (setting.isEmpty()) {
            return Optional.of("the server does not tell its appendfsync (CONFIG GET is not allowed); declare it with"
                    + " Redis.appendFsync");
        }
        if (facts.restsFsyncOnRewrite()) {
            return Optional.of(
                    "no-appendfsync-on-rewrite is yes: while the server rewrites its append-only file nothing"
                            + " is forced to disk");
        }
        if (setting.get() == AppendFsync.ALWAYS
                || (setting.get() == AppendFsync.EVERYSEC && facts.hasTrustedWaitAof())) {
            return Optional.empty();
        }
        return Optional.of("appendfsync is " + setting.get().name().toLowerCase(Locale.ROOT) + " on " + facts.product()
                + "; always is needed, or everysec on Redis 8.0 or newer");
    }

    private Optional<AppendFsync> appendFsync(ServerFacts facts) {
        return facts.appendFsync().map(Redis::known).orElse(declared);
    }

    private static Optional<AppendFsync> known(String setting) {
        for (AppendFsync each : AppendFsync.values()) {
            if (each.name().equalsIgnoreCase(setting)) {
                return Optional.of(each);
            }
        }
        return Optional.empty();
    }

    private static RedisURI parsed(String uri) {
        try {
            return RedisURI.create(uri);
        } catch (IllegalArgumentException e) { // its message may quote a password
            throw new Invalid("the address of the shared replica is no Redis URI", null, Tier.LIBRARY);
        }
    }

    private static void requireTimeout(String name, Duration limit) {
        if (limit.compareTo(TIMEOUT_MIN) < 0 || limit.compareTo(TIMEOUT_MAX) > 0) {
            throw new Invalid(name + " " + limit + " is outside 10 ms to 1 minute");
        }
    }
}
