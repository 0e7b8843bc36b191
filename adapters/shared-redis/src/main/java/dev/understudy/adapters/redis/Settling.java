package dev.understudy.adapters.redis;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.model.Ack;
import dev.understudy.spi.SharedReplicaFailure;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolKeyword;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Waits until what was acknowledged is on replicas or on disk. Thread-safe. Callers wait in rounds: one round is under way at a
 * time, and takes along everybody who came during the one before.
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
    private final int waitersMax;
    private final AtomicBoolean started = new AtomicBoolean();
    private volatile byte[] marker = NOTHING;

    @GuardedBy("this")
    private final List<Waiter> waiting = new ArrayList<>();

    @GuardedBy("this")
    private boolean inRound;

    /** Somebody who waits until a deadline of {@link System#nanoTime}. */
    private record Waiter(Ack ack, long deadline, long era, CompletableFuture<Boolean> settled) {
        /** Fails it if another server acknowledged than the one that is asked. */
        boolean refusesOther(long asked) {
            return asked != era
                    && settled.completeExceptionally(new SharedReplicaFailure(
                            SharedReplicaFailure.Reason.NO_ANSWER,
                            "the server that acknowledged is not the one that is asked now",
                            null));
        }
    }

    Settling(Connector connector, ScheduledExecutorService scheduler, Duration commandTimeout, int waitersMax) {
        this.keeper = new LinkKeeper("settling", connector::forCommands, scheduler, link -> {}, () -> {});
        this.commandTimeout = commandTimeout;
        this.waitersMax = waitersMax;
    }

    /** The small write goes to a key of that namespace. */
    void writeUnder(String namespace) {
        marker = Request.text(namespace + ":settled");
    }

    /**
     * Waits for the ack level; false if the time runs out first.
     *
     * @param era of the server that acknowledged
     */
    CompletionStage<Boolean> settle(Ack ack, Duration timeout, long era) {
        Waiter waiter = new Waiter(ack, System.nanoTime() + timeout.toNanos(), era, new CompletableFuture<>());
        if (marker.length == 0) {
            waiter.settled().complete(true); // no cache, so nothing was acknowledged
            return waiter.settled();
        }
        synchronized (this) {
            if (waiting.size() >= waitersMax) {
                waiter.settled().completeExceptionally(notSent("too many are waiting already"));
                return waiter.settled();
            }
            waiting.add(waiter);
        }
        if (started.compareAndSet(false, true)) {
            keeper.start().whenComplete((link, failure) -> nextRound());
        } else {
            nextRound();
        }
        return waiter.settled();
    }

    /** Asks whether the server is there, unless a round does so anyway. */
    void ping() {
        Link link = keeper.current();
        if (link == null) {
            nextRound(); // tells those who wait that there is no connection
            return;
        }
        synchronized (this) {
            if (inRound) {
                return;
            }
            inRound = true;
        }
        link.send(new Call<>(Request.of(CommandType.PING), reply -> true, commandTimeout))
                .whenComplete((there, failure) -> roundEnded());
    }

    /** Begins a round for all who wait, unless one is under way; it begins the next one when it ends. */
    private void nextRound() {
        Link link = keeper.current();
        List<Waiter> round = new ArrayList<>();
        synchronized (this) {
            if (inRound || waiting.isEmpty() || (link == null && !keeper.isDecided())) {
                return;
            }
            Ack.Level level = waiting.get(0).ack().level();
            waiting.removeIf(waiter -> waiter.ack().level() == level && round.add(waiter));
            inRound = true;
        }
        if (link == null) {
            round.forEach(waiter -> waiter.settled().completeExceptionally(notSent("not connected")));
            roundEnded();
            return;
        }
        round.removeIf(waiter -> waiter.refusesOther(link.facts().era()));
        if (round.isEmpty()) {
            roundEnded();
            return;
        }
        long nanos = Long.MAX_VALUE;
        int replicas = 0;
        for (Waiter waiter : round) {
            nanos = Math.min(nanos, waiter.deadline() - System.nanoTime());
            replicas = Math.max(replicas, waiter.ack().replicas());
        }
        run(link, round, replicas, Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos)));
    }

    private void run(Link link, List<Waiter> round, int replicas, long millis) {
        Duration limit = commandTimeout.plusMillis(millis);
        byte[] key = marker;
        Request wait = replicas > 0
                ? Request.of(CommandType.WAIT, Request.number(replicas), Request.number(millis))
                : Request.of(WAITAOF, Request.number(1), Request.number(0), Request.number(millis));
        link.send(new Call<>(Request.of(MARK, key, key, key), reply -> true, limit))
                .whenComplete((marked, failure) -> {
                    if (failure != null) {
                        failed(round, failure);
                        return;
                    }
                    // Sent after the reply: right behind the write, a replica would answer before its fsync.
                    link.send(new Call<>(wait, Settling::reached, limit)).whenComplete((reached, refusal) -> {
                        if (reached == null) {
                            failed(round, refusal);
                        } else {
                            answered(round, reached);
                        }
                    });
                });
    }

    private void failed(List<Waiter> round, Throwable failure) {
        round.forEach(waiter -> waiter.settled().completeExceptionally(failure));
        roundEnded();
    }

    /** Those who are content go; those whose time has run out are told so; the others wait for the next round. */
    private void answered(List<Waiter> round, long reached) {
        List<Waiter> again = new ArrayList<>();
        for (Waiter waiter : round) {
            if (reached >= Math.max(1, waiter.ack().replicas())) {
                waiter.settled().complete(true);
            } else if (waiter.deadline() - System.nanoTime() < TimeUnit.MILLISECONDS.toNanos(1)) {
                waiter.settled().complete(false);
            } else {
                again.add(waiter);
            }
        }
        synchronized (this) {
            waiting.addAll(again);
        }
        roundEnded();
    }

    private void roundEnded() {
        synchronized (this) {
            inRound = false;
        }
        nextRound();
    }

    @Override
    public void close() {
        keeper.close();
        List<Waiter> left;
        synchronized (this) {
            left = List.copyOf(waiting);
            waiting.clear();
        }
        left.forEach(waiter -> waiter.settled().completeExceptionally(notSent("closed")));
    }

    /** How many replicas have it, or 1 if the disk has. */
    private static long reached(@Nullable Object reply) {
        if (reply instanceof Long replicas) {
            return replicas;
        }
        if (reply instanceof List<?> counts && counts.get(0) instanceof Long local) {
            return local;
        }
        throw new IllegalArgumentException("no count");
    }

    private static SharedReplicaFailure notSent(String why) {
        return new SharedReplicaFailure(
                SharedReplicaFailure.Reason.NOT_SENT, "waiting for the shared replica's ack: " + why, null);
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
