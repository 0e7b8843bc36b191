package dev.understudy.adapters.redis;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.codec.RedisCodec;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Makes connections to the server and greets it. Immutable, thread-safe. */
final class Connector {
    private static final byte[][] SECTIONS = {
        Request.text("server"),
        Request.text("replication"),
        Request.text("memory"),
        Request.text("persistence"),
        Request.text("cluster")
    };

    private final RedisClient client;
    private final RedisURI uri;
    private final String where;
    private final Duration timeout;
    private final int callsMax;

    Connector(RedisClient client, RedisURI uri, String where, Duration timeout, int callsMax) {
        this.callsMax = callsMax;
        this.client = client;
        this.uri = uri;
        this.where = where;
        this.timeout = timeout;
    }

    /**
     * A connection for commands. The server is asked who it is before anything else is sent, and gets the scripts.
     *
     * @param onLost runs once when the link is lost
     */
    CompletableFuture<Link> forCommands(Runnable onLost) {
        CompletableFuture<Link> ready = new CompletableFuture<>();
        client.connectAsync(ByteArrayCodec.INSTANCE, uri)
                .whenComplete((connection, failure) -> connected(connection, failure, onLost, ready));
        return ready;
    }

    private void connected(
            @Nullable StatefulRedisConnection<?, byte[]> connection,
            @Nullable Throwable failure,
            Runnable onLost,
            CompletableFuture<Link> ready) {
        if (connection == null) {
            ready.completeExceptionally(failure == null ? new IllegalStateException("no connection") : failure);
            return;
        }
        Link link = new Link(connection, callsMax, onLost);
        ask(link).whenComplete((facts, refusal) -> {
            if (refusal != null) {
                link.lost();
                ready.completeExceptionally(refusal);
                return;
            }
            try {
                facts.verify(where);
                if (facts.isLoading()) {
                    throw new IllegalStateException("the server at " + where + " is loading its data");
                }
            } catch (RuntimeException e) { // told to whoever waits for the link
                link.lost();
                ready.completeExceptionally(e);
                return;
            }
            link.greeted(facts);
            loadScripts(link);
            ready.complete(link);
        });
    }

    /** What the server says of itself; CONFIG GET may be refused. */
    CompletableFuture<ServerFacts> ask(Link link) {
        Call<String> info = new Call<>(Request.of(CommandType.INFO, SECTIONS), Connector::text, timeout);
        Call<Map<String, String>> config = new Call<>(
                Request.of(
                        CommandType.CONFIG,
                        Request.text("GET"),
                        Request.text(ServerFacts.APPEND_FSYNC),
                        Request.text(ServerFacts.NO_FSYNC_ON_REWRITE)),
                Connector::settings,
                timeout);
        link.send(List.of(info, config));
        return config.handle((told, refused) -> refused == null ? told : Map.<String, String>of())
                .thenCombine(info, (told, said) -> new ServerFacts(ServerFacts.parsed(said), told));
    }

    /** Sends the scripts ahead, so that no call meets a server that does not know them; it would send the text then. */
    private void loadScripts(Link link) {
        List<Call<Boolean>> loads = new ArrayList<>();
        for (Scripts.Script script : Scripts.ALL) {
            loads.add(new Call<>(
                    Request.of(CommandType.SCRIPT, Request.text("LOAD"), Request.text(script.text())),
                    reply -> true,
                    timeout));
        }
        link.send(loads);
    }

    /**
     * A connection for announcements, subscribed to the channels.
     *
     * @param channels asked for when the connection is there
     * @param messages hears of each message, on the event loop
     */
    CompletableFuture<Link> forMessages(
            Supplier<Set<String>> channels, BiConsumer<String, byte[]> messages, Runnable onLost) {
        CompletableFuture<Link> ready = new CompletableFuture<>();
        client.connectPubSubAsync(RedisCodec.of(StringCodec.UTF8, ByteArrayCodec.INSTANCE), uri)
                .whenComplete((connection, failure) -> {
                    if (failure != null) {
                        ready.completeExceptionally(failure);
                        return;
                    }
                    connection.addListener(new RedisPubSubAdapter<String, byte[]>() {
                        @Override
                        public void message(String channel, byte[] message) {
                            messages.accept(channel, message);
                        }
                    });
                    Link link = new Link(connection, callsMax, onLost);
                    link.subscribe(channels.get()).whenComplete((done, refusal) -> {
                        if (refusal == null) {
                            ready.complete(link);
                        } else {
                            link.lost();
                            ready.completeExceptionally(refusal);
                        }
                    });
                });
        return ready;
    }

    private static String text(@Nullable Object reply) {
        if (reply instanceof byte[] bytes) {
            return new String(bytes, StandardCharsets.UTF_8);
        }
        throw new IllegalArgumentException("no text");
    }

    private static Map<String, String> settings(@Nullable Object reply) {
        if (!(reply instanceof List<?> pairs) || pairs.isEmpty() || pairs.size() % 2 != 0) {
            throw new IllegalArgumentException("no settings");
        }
        Map<String, String> told = new HashMap<>();
        for (int i = 0; i < pairs.size(); i += 2) {
            told.put(text(pairs.get(i)), text(pairs.get(i + 1)));
        }
        return Map.copyOf(told);
    }
}
