package dev.understudy.adapters.redis;

import dev.understudy.model.Ack;
import dev.understudy.spi.SharedReplicaFailure;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolKeyword;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Waits until what was acknowledged is on replicas or on disk. Thread-safe.
 *
 * <p>WAIT and WAITAOF cover the writes of their own connection and block it, so they have one apart from the commands. There
 * each is preceded by a small write: the server's replication log is one line, so what covers that write covers all that was
 * acknowledged before it was sent. It may be written when the memory is full.
 */
final class Settling implements AutoCloseable {
    private static final Scripts.Script MARK =
            new Scripts.Script("mark", "#!lua flags=allow-oom\nredis.call('SET',KEYS[1],'','PX',1000) return {'OK'}\n");
    private static final ProtocolKeyword WAITAOF = new WaitAof();
    private static final byte[] NOTHING = {};

    private final LinkKeeper keeper;
    private final Duration commandTimeout;
    private final AtomicBoolean started = new AtomicBoolean();
    private volatile byte[] marker = NOTHING;

    Settling(Connector connector, ScheduledExecutorService scheduler, Duration commandTimeout) {
        this.keeper = new LinkKeeper("settling", connector::forCommands, scheduler, link -> {}, () -> {});
        this.commandTimeout = commandTimeout;
    }

    /** The small write goes to a key of that namespace. */
    void writeUnder(String namespace) {
        marker = Request.text(namespace + ":settled");
    }

    /** The connection, or null. */
    @Nullable
    Link current() {
        return keeper.current();
    }

    /**
     * Waits for the ack level.
     *
     * @param era of the server that acknowledged
     */
    CompletionStage<Boolean> settle(Ack ack, Duration timeout, long era) {
        byte[] key = marker;
        if (key.length == 0) {
            return CompletableFuture.completedFuture(true); // no cache, so nothing was acknowledged
        }
        Link link = keeper.current();
        if (link == null && started.compareAndSet(false, true)) {
            CompletableFuture<Boolean> settled = new CompletableFuture<>();
            keeper.start().whenComplete((made, failure) -> {
                if (made == null) {
                    settled.completeExceptionally(notConnected());
                } else {
                    settle(ack, timeout, era, key, made, settled);
                }
            });
            return settled;
        }
        if (link == null) {
            return CompletableFuture.failedFuture(notConnected());
        }
        return settle(ack, timeout, era, key, link, new CompletableFuture<>());
    }

    private CompletableFuture<Boolean> settle(
            Ack ack, Duration timeout, long era, byte[] key, Link link, CompletableFuture<Boolean> settled) {
        if (link.facts().era() != era) {
            settled.completeExceptionally(new SharedReplicaFailure(
                    SharedReplicaFailure.Reason.NO_ANSWER,
                    "the server that acknowledged is not the one that is asked now",
                    null));
            return settled;
        }
        long millis = Math.max(1, timeout.toMillis());
        Duration limit = timeout.plus(commandTimeout);
        Call<Boolean> mark = new Call<>(Request.of(MARK, key, key, key), reply -> true, limit);
        Call<Boolean> wait = new Call<>(wait(ack, millis), reply -> isReached(ack, reply), limit);
        mark.whenComplete((done, failure) -> {
            if (failure != null) {
                settled.completeExceptionally(failure);
            } else {
                link.send(wait); // after the reply: sent right behind it, a replica would answer before its fsync
            }
        });
        wait.whenComplete((reached, failure) -> {
            if (failure != null) {
                settled.completeExceptionally(failure);
            } else {
                settled.complete(reached);
            }
        });
        link.send(mark);
        return settled;
    }

    @Override
    public void close() {
        keeper.close();
    }

    private static Request wait(Ack ack, long millis) {
        return ack.level() == Ack.Level.REPLICATED
                ? Request.of(CommandType.WAIT, Request.number(ack.replicas()), Request.number(millis))
                : Request.of(WAITAOF, Request.number(1), Request.number(0), Request.number(millis));
    }

    private static boolean isReached(Ack ack, @Nullable Object reply) {
        if (reply instanceof Long replicas) {
            return replicas >= ack.replicas();
        }
        return reply instanceof List<?> counts && counts.get(0) instanceof Long local && local >= 1;
    }

    private static SharedReplicaFailure notConnected() {
        return new SharedReplicaFailure(
                SharedReplicaFailure.Reason.NOT_SENT, "the shared replica is not connected for waiting", null);
    }

    /** A command that the client does not know. */
    private static final class WaitAof implements ProtocolKeyword {
        private final byte[] bytes = Request.text("WAITAOF");

        @Override
        public byte[] getBytes() {
            return bytes;
        }

        @Override
        public String toString() {
            return "WAITAOF";
        }
    }
}
