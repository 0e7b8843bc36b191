package dev.understudy.adapters.redis;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.pubsub.api.async.RedisPubSubAsyncCommands;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One connection to the server from its first byte to its last. It is never revived: what is sent here reaches the server
 * that was greeted here, or nobody. Thread-safe.
 */
final class Link {
    private static final int BATCH_MAX = 64;

    private final StatefulRedisConnection<?, byte[]> connection;
    private final RedisChannelHandler<?, ?> handler;
    private final StatefulRedisConnection<byte[], byte[]> calls;
    private final Runnable onLost;
    private final AtomicBoolean lost = new AtomicBoolean();
    private final Queue<Call<?>> outgoing = new ConcurrentLinkedQueue<>();
    private final AtomicInteger senders = new AtomicInteger();
    private final AtomicLong replies = new AtomicLong();
    private final JoinedReads reads;
    private volatile ServerFacts facts = ServerFacts.NONE;

    /**
     * A link on a connection that has just been made.
     *
     * @param callsMax how many reads may wait for others to share a request
     * @param onLost runs once, on any thread, when the connection is lost or given up
     */
    @SuppressWarnings("unchecked") // calls encode themselves: the connection's codec never sees them
    Link(StatefulRedisConnection<?, byte[]> connection, int callsMax, Runnable onLost) {
        this.reads = new JoinedReads(this, callsMax);
        this.connection = connection;
        this.handler = (RedisChannelHandler<?, ?>) connection;
        this.calls = (StatefulRedisConnection<byte[], byte[]>) connection;
        this.onLost = onLost;
        connection.addListener(new RedisConnectionStateListener() {
            @Override
            public void onRedisDisconnected(RedisChannelHandler<?, ?> handler) {
                lost();
            }
        });
        if (!connection.isOpen()) {
            lost();
        }
    }

    /** Reads of single entries. */
    JoinedReads reads() {
        return reads;
    }

    /** What the server said of itself when it was greeted. */
    ServerFacts facts() {
        return facts;
    }

    /** Remembers what the server said of itself. */
    void greeted(ServerFacts said) {
        facts = said;
    }

    boolean isLost() {
        return lost.get();
    }

    /**
     * Sends a call, or fails it. Calls of several threads at once go out together: whoever finds nobody sending sends for all
     * who come meanwhile, so that they share the flush of the socket.
     */
    <R> Call<R> send(Call<R> call) {
        call.sending(this);
        outgoing.add(call);
        if (senders.getAndIncrement() == 0) {
            int seen = 1;
            do {
                dispatchOutgoing();
                seen = senders.addAndGet(-seen);
            } while (seen != 0);
        }
        return call;
    }

    private void dispatchOutgoing() {
        Call<?> first = outgoing.poll();
        if (first == null) {
            return;
        }
        Call<?> next = outgoing.poll();
        if (next == null) {
            dispatch(first);
            return;
        }
        List<Call<?>> batch = new ArrayList<>(BATCH_MAX);
        batch.add(first);
        for (; next != null; next = outgoing.poll()) {
            batch.add(next);
            if (batch.size() == BATCH_MAX) {
                dispatch(batch);
                batch = new ArrayList<>(BATCH_MAX);
            }
        }
        dispatch(batch);
    }

    private <R> void dispatch(Call<R> call) {
        try {
            calls.dispatch(call);
        } catch (RuntimeException e) { // closed, or too many calls are waiting: the call knows whether it was written
            call.completeExceptionally(e);
        }
    }

    private void dispatch(List<? extends Call<?>> batch) {
        if (batch.isEmpty()) {
            return;
        }
        try {
            calls.dispatch(batch);
        } catch (RuntimeException e) { // as above
            batch.forEach(call -> call.completeExceptionally(e));
        }
    }

    /** Sends calls in one go. */
    void send(List<? extends Call<?>> batch) {
        batch.forEach(call -> call.sending(this));
        dispatch(batch);
    }

    /** Subscribes to channels; complete when the server has confirmed all. On a connection for announcements only. */
    CompletionStage<?> subscribe(Collection<String> channels) {
        return channels.isEmpty()
                ? CompletableFuture.completedFuture(null)
                : pubSub().subscribe(channels.toArray(String[]::new));
    }

    /** Takes a subscription back; what still arrives is ignored by the receiver. */
    void unsubscribe(String channel) {
        try {
            pubSub().unsubscribe(channel);
        } catch (RuntimeException e) { // the connection is lost, and the subscription with it
            lost();
        }
    }

    @SuppressWarnings("unchecked") // made so by the connector
    private RedisPubSubAsyncCommands<String, byte[]> pubSub() {
        return ((StatefulRedisPubSubConnection<String, byte[]>) connection).async();
    }

    long replies() {
        return replies.get();
    }

    /** Called by the event loop only. */
    void replied() {
        replies.lazySet(replies.get() + 1);
    }

    /** Gives the connection up; every call on it fails. */
    void lost() {
        if (lost.compareAndSet(false, true)) {
            if (!handler.isClosed()) {
                connection.closeAsync();
            }
            onLost.run();
        }
    }

    /** Sends nothing more; the client that is about to shut down closes the connection. */
    void abandon() {
        lost.set(true);
    }
}
