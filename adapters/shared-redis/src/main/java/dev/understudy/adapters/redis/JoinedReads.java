package dev.understudy.adapters.redis;

import dev.understudy.spi.SharedReplicaFailure;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Reads of one entry each, by several callers over one link: while as many requests are under way as are allowed, what comes waits, and goes out
 * together when one of them is answered. A single caller never waits; many share the costs of a request. Thread-safe.
 *
 * <p>Allowed are {@value #LEAST}, and where the server is far one for each {@value #GAP_NANOS} ns of the shortest round trip of late, at most
 * {@value #MOST}: so nobody waits much longer than that for a request to share.
 */
final class JoinedReads {
    private static final int LEAST = 2;
    private static final int MOST = 32;
    private static final long GAP_NANOS = 100_000;
    private static final int TOGETHER = 64;
    /** By what part of itself the shortest round trip grows with each answer, so that it is one of late. */
    private static final int FORGETTING = 64;

    private final Link link;
    private final Queue<Read<?>> waiting = new ConcurrentLinkedQueue<>();
    private final int waitingMost;
    private final AtomicInteger waitingNow = new AtomicInteger();
    private final AtomicInteger underWay = new AtomicInteger();
    private volatile long shortestNanos = GAP_NANOS;

    /** Reads over that link, of which so many may wait; more are not sent. */
    JoinedReads(Link link, int waitingMost) {
        this.link = link;
        this.waitingMost = waitingMost;
    }

    /** One caller's read. */
    private static final class Read<R> extends CompletableFuture<R> {
        private final byte[] entry;
        private final Call.Reading<R> reading;
        private final Duration timeout;

        Read(byte[] entry, Call.Reading<R> reading, Duration timeout) {
            this.entry = entry;
            this.reading = reading;
            this.timeout = timeout;
        }

        void answered(@Nullable Object reply) {
            try {
                complete(reading.of(reply));
            } catch (RuntimeException e) { // that read alone is not understood
                completeExceptionally(e);
            }
        }
    }

    /** What {@code reading} makes of the entry's bytes, or of null where there is none. */
    <R> CompletionStage<R> read(byte[] entry, Call.Reading<R> reading, Duration timeout) {
        if (waitingNow.incrementAndGet() > waitingMost) {
            waitingNow.decrementAndGet();
            return CompletableFuture.failedFuture(new SharedReplicaFailure(
                    SharedReplicaFailure.Reason.NOT_SENT, waitingMost + " reads wait already", null));
        }
        Read<R> read = new Read<>(entry, reading, timeout);
        waiting.add(read);
        sendWhatWaits();
        return read;
    }

    /** After each arrival and after each answer, so that nothing waits while nothing is under way. */
    private void sendWhatWaits() {
        while (!waiting.isEmpty()) {
            int now = underWay.get();
            if (now >= allowed()) {
                return;
            }
            if (underWay.compareAndSet(now, now + 1)) {
                sendTogether();
            }
        }
    }

    private long allowed() {
        return Math.max(LEAST, Math.min(MOST, shortestNanos / GAP_NANOS));
    }

    /** By the event loop alone while the link lives: what another thread's failure overwrites is a measure, nothing else. */
    private void took(long nanos) {
        shortestNanos = Math.min(nanos, shortestNanos + shortestNanos / FORGETTING + 1);
    }

    private void sendTogether() {
        List<Read<?>> together = new ArrayList<>();
        for (Read<?> next = waiting.poll(); next != null; next = together.size() < TOGETHER ? waiting.poll() : null) {
            together.add(next);
        }
        waitingNow.addAndGet(-together.size());
        if (together.isEmpty()) {
            underWay.decrementAndGet();
            return;
        }
        byte[][] entries = together.stream().map(read -> read.entry).toArray(byte[][]::new);
        Call<List<?>> call = new Call<>(
                Request.of(entries.length == 1 ? CommandType.GET : CommandType.MGET, entries),
                reply -> replies(reply, entries.length),
                together.get(0).timeout);
        long sent = System.nanoTime();
        call.whenComplete((replies, failure) -> {
            if (failure == null) {
                took(System.nanoTime() - sent);
            }
            for (int i = 0; i < entries.length; i++) {
                if (failure == null) {
                    together.get(i).answered(replies.get(i));
                } else {
                    together.get(i).completeExceptionally(failure);
                }
            }
            // Last, so that callers who ask again at once go out together.
            underWay.decrementAndGet();
            sendWhatWaits();
        });
        link.send(call);
    }

    private static List<?> replies(@Nullable Object reply, int asked) {
        if (asked == 1) {
            return Collections.singletonList(reply);
        }
        if (reply instanceof List<?> replies && replies.size() == asked) {
            return replies;
        }
        throw new IllegalArgumentException("not an answer for each entry");
    }
}
