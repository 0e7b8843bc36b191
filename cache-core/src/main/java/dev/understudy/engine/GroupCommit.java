package dev.understudy.engine;

import dev.understudy.model.Conflict;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Write-throughs of callers that arrive while a transaction runs travel together in the next one: one multi-row statement, one commit.
 * Thread-safe.
 *
 * <p>There is no timer and no thread of its own: a caller who finds a free lane leads, with whatever has gathered; when the lane is free
 * again, the caller who has waited longest leads next. A single caller leads at once, with his own row only. Source: D. J. DeWitt et al.,
 * "Implementation Techniques for Main Memory Database Systems", 1984 (group commit); the leader as in D. Hendler et al., "Flat Combining",
 * SPAA 2010.
 *
 * <h2>Ordering</h2>
 * A key is in one running transaction at most, and its writes start in the order of their arrival.
 *
 * <h2>Failure</h2>
 * A condition that does not hold refuses its own row only. When a row is locked or its data refused, the transaction is rolled back and
 * each caller goes on in a transaction of his own. When the primary cannot be reached, all are told, each by an exception of his own. When
 * only the leader's time is over, he alone is told, and the others wait for the next transaction.
 *
 * <h2>Bounds</h2>
 * {@link #ROWS} and {@link #BYTES} a transaction, {@link #LANES} at a time; a caller waits until his deadline, and {@link #GRACE} more once
 * his row has been sent.
 *
 * <h2>States</h2>
 * WAITING to LEADS, to JOINED by another leader, or to LEFT; LEADS to JOINED or LEFT; JOINED to RUNNING, DONE, ALONE, LEFT, or back to WAITING;
 * RUNNING to DONE, ALONE, LEFT or back to WAITING. The last three end a request. Who has LEFT does nothing more: whoever leads frees its key.
 */
final class GroupCommit<K, V> {
    /** Transactions at a time: while one waits for its commit the next gathers and writes. */
    static final int LANES = 2;

    static final int ROWS = 256;
    static final int BYTES = 1 << 20;
    /** What a transaction is given at least, however little its leader has left. */
    private static final Duration LEAST = Duration.ofMillis(100);
    /** What a caller whose row is on its way is given beyond his deadline, to learn what became of it. */
    private static final Duration GRACE = Duration.ofMillis(500);

    private final CacheContext<K, V> context;
    private final WriteThrough<K, V> through;
    private final Object lock = new Object();
    private final ArrayDeque<Request<K, V>> waiting = new ArrayDeque<>();
    private final Set<K> busy = new HashSet<>();
    private int lanes;

    GroupCommit(CacheContext<K, V> context, WriteThrough<K, V> through) {
        this.context = context;
        this.through = through;
    }

    private enum State {
        /** Waits for a transaction. */
        WAITING,
        /** Is to take a lane that is kept for it. */
        LEADS,
        /** Is part of a transaction that has sent no row yet. */
        JOINED,
        /** Is part of a transaction that may have sent it. */
        RUNNING,
        /** Has to go on by itself; its key is still busy. */
        ALONE,
        /** Has its receipt or failure. */
        DONE,
        /** Its caller has given up. */
        LEFT
    }

    /** What becomes of a batch. */
    private enum End {
        /** Each has its receipt or failure. */
        TOLD,
        /** Nothing is written; each goes on alone. */
        ALONE,
        /** Nothing is written; the leader has his failure, the others wait again. */
        AGAIN
    }

    /** One caller's write. The state changes under the lock; receipt and failure are written before it is DONE. */
    private static final class Request<K, V> {
        final Mutation<K, V> mutation;
        final Version known;
        final Deadline deadline;
        final int bytes;
        final Thread caller = Thread.currentThread();
        volatile State state = State.WAITING;

        @Nullable
        WriteReceipt receipt;

        /** Unchecked, as the store's own exceptions pass through. */
        @Nullable
        RuntimeException failure;

        Request(Mutation<K, V> mutation, Version known, Deadline deadline, int bytes) {
            this.mutation = mutation;
            this.known = known;
            this.deadline = deadline;
            this.bytes = bytes;
        }
    }

    /** Writes one row; returns when it is committed and the shared replica has been told. */
    WriteReceipt write(Mutation<K, V> mutation, Known<K> known, Deadline deadline) {
        int bytes = mutation.value()
                .map(value -> context.envelope.seal(value).length)
                .orElse(0);
        Request<K, V> request = new Request<>(mutation, known.of(mutation.key()), deadline, bytes);
        List<Request<K, V>> batch = enter(request);
        if (batch.isEmpty()) {
            batch = await(request);
        }
        if (!batch.isEmpty()) {
            lead(batch);
        }
        if (request.state == State.ALONE) {
            return alone(request);
        }
        if (request.failure != null) {
            throw request.failure;
        }
        if (request.receipt == null) {
            throw new IllegalStateException("a write was left without an answer");
        }
        return request.receipt;
    }

    private List<Request<K, V>> enter(Request<K, V> request) {
        synchronized (lock) {
            boolean isNext =
                    lanes < LANES && !busy.contains(request.mutation.key()) && !isAwaited(request.mutation.key());
            if (!isNext) {
                waiting.add(request);
                return List.of();
            }
            lanes++;
            return take(request);
        }
    }

    /** Whether an earlier write of the key waits; to be called under the lock. */
    private boolean isAwaited(K key) {
        for (Request<K, V> earlier : waiting) {
            if (earlier.mutation.key().equals(key)) {
                return true;
            }
        }
        return false;
    }

    /** Waits until the write is done, or to be led by this caller: then answers the batch. */
    private List<Request<K, V>> await(Request<K, V> request) {
        boolean wasInterrupted = false;
        Deadline last = request.deadline.later(GRACE);
        try {
            while (request.state == State.WAITING || request.state == State.JOINED || request.state == State.RUNNING) {
                Deadline until = request.state == State.RUNNING && request.deadline.isPast() ? last : request.deadline;
                context.clock.park(this, Math.max(1, until.remainingNanos()));
                wasInterrupted |= Thread.interrupted();
                boolean givesUp = wasInterrupted || request.deadline.isPast();
                if (givesUp && leave(request, false)) {
                    throw new DeadlineExceeded(
                            wasInterrupted ? "interrupted" : "the deadline passed while other writes were committed",
                            null,
                            Tier.PRIMARY,
                            Outcome.NOT_APPLIED);
                }
                if (last.isPast() && leave(request, true)) {
                    throw new DeadlineExceeded("the commit has not ended in time", null, Tier.PRIMARY, Outcome.UNKNOWN);
                }
            }
            if (request.state != State.LEADS) {
                return List.of();
            }
            synchronized (lock) {
                return take(request);
            }
        } finally {
            if (wasInterrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Takes a write back that no transaction has sent, or gives up one that may be on its way; false if it has ended, or has begun to run.
     * The lane that may be kept for it goes to the next. Whatever becomes of a transaction that it is part of, whoever leads frees its key.
     */
    private boolean leave(Request<K, V> request, boolean isRunning) {
        synchronized (lock) {
            State state = request.state;
            boolean isUnsent = state == State.WAITING || state == State.LEADS || state == State.JOINED;
            if (!isUnsent && !(isRunning && state == State.RUNNING)) {
                return false;
            }
            request.state = State.LEFT;
            waiting.remove(request);
            if (state == State.LEADS) {
                lanes--;
                promote();
            }
            return true;
        }
    }

    /** The writes of the next transaction: the leader's, then the oldest; to be called under the lock, on a lane. */
    private List<Request<K, V>> take(Request<K, V> leader) {
        List<Request<K, V>> batch = new ArrayList<>();
        waiting.remove(leader);
        start(leader, batch);
        int bytes = leader.bytes;
        Set<K> skipped = new HashSet<>();
        for (Iterator<Request<K, V>> all = waiting.iterator(); all.hasNext() && batch.size() < ROWS; ) {
            Request<K, V> next = all.next();
            K key = next.mutation.key();
            boolean fits = bytes + next.bytes <= BYTES && next.state == State.WAITING;
            if (!fits || busy.contains(key) || skipped.contains(key)) {
                skipped.add(key);
                continue;
            }
            bytes += next.bytes;
            start(next, batch);
            all.remove();
        }
        return batch;
    }

    private void start(Request<K, V> request, List<Request<K, V>> batch) {
        busy.add(request.mutation.key());
        request.state = State.JOINED;
        batch.add(request);
    }

    /** The writes of a batch whose callers are still there; these cannot be taken back any more. */
    private List<Mutation<K, V>> run(List<Request<K, V>> batch) {
        synchronized (lock) {
            List<Mutation<K, V>> mutations = new ArrayList<>();
            for (Request<K, V> request : batch) {
                if (request.state == State.JOINED) {
                    request.state = State.RUNNING;
                    mutations.add(request.mutation);
                }
            }
            return mutations;
        }
    }

    /** Keeps a free lane for the write that has waited longest and can start; to be called under the lock. */
    private void promote() {
        Set<K> earlier = new HashSet<>();
        for (Request<K, V> next : waiting) {
            if (lanes == LANES) {
                return;
            }
            K key = next.mutation.key();
            boolean isFirst = earlier.add(key);
            if (isFirst && next.state == State.WAITING && !busy.contains(key)) {
                lanes++;
                next.state = State.LEADS;
                LockSupport.unpark(next.caller);
                return;
            }
        }
    }

    private void lead(List<Request<K, V>> batch) {
        End end = End.TOLD;
        try {
            end = commit(batch);
        } catch (RuntimeException | Error e) {
            for (Request<K, V> request : batch) {
                boolean isTold = request.receipt != null || request.failure != null;
                request.failure = isTold ? request.failure : Replies.ofWrite(e, Outcome.UNKNOWN);
            }
            throw e;
        } finally {
            end(batch, end);
        }
    }

    private void end(List<Request<K, V>> batch, End end) {
        synchronized (lock) {
            for (int i = batch.size() - 1; i >= 0; i--) {
                Request<K, V> request = batch.get(i);
                boolean isThere = request.state != State.LEFT;
                if (end != End.ALONE || !isThere) {
                    busy.remove(request.mutation.key());
                }
                if (isThere && end == End.AGAIN && i > 0) {
                    request.state = State.WAITING;
                    waiting.addFirst(request);
                } else if (isThere) {
                    request.state = end == End.ALONE ? State.ALONE : State.DONE;
                }
            }
            lanes--;
            promote();
        }
        for (Request<K, V> request : batch) {
            LockSupport.unpark(request.caller);
        }
    }

    /** One transaction for all. */
    private End commit(List<Request<K, V>> batch) {
        Map<K, Request<K, V>> byKey = new LinkedHashMap<>();
        batch.forEach(request -> byKey.put(request.mutation.key(), request));
        Known<K> known = key -> {
            Request<K, V> request = byKey.get(key);
            return request == null ? Version.ABSENT : request.known;
        };
        Deadline deadline = batch.get(0).deadline;
        if (deadline.remainingNanos() < LEAST.toNanos() && batch.size() > 1) {
            deadline = Deadline.after(context.clock, LEAST);
        }
        ThroughWrite<K, V> write = through.participant(known, deadline);
        Map<K, Conflict> refused;
        try {
            write.prepare(byKey.keySet());
            if (write.hasForeign(Mutation.upserted(
                    batch.stream().map(request -> request.mutation).toList()))) {
                write.rolledBack();
                return End.ALONE;
            }
            refused = context.gate.call(Primary.Use.COMMIT, deadline, connection -> {
                context.primary.lockTimeout(connection, WriteThrough.LOCK_WAIT);
                Map<K, Conflict> conflicts = write.writeEach(connection, run(batch));
                write.beforeCommit(connection, false);
                return conflicts;
            });
        } catch (Throwable e) {
            Outcome outcome = write.failed(e);
            return failed(batch, e, outcome, deadline);
        }
        if (batch.size() > 1) {
            context.counters.groupedCommits.increment();
        }
        Map<K, WriteReceipt> receipts = write.committed();
        byKey.forEach((key, request) -> {
            request.receipt = receipts.get(key);
            request.failure = refused.get(key);
        });
        return End.TOLD;
    }

    /** What becomes of a batch whose transaction has failed. */
    private End failed(List<Request<K, V>> batch, Throwable e, Outcome outcome, Deadline deadline) {
        boolean isOne = batch.size() == 1;
        if (outcome == Outcome.NOT_APPLIED) {
            if (isOne ? WriteThrough.isLocked(e) : !concernsAll(e)) {
                context.counters.splitCommits.add(batch.size());
                return End.ALONE;
            }
            if (!isOne && deadline.isPast()) {
                batch.get(0).failure = Replies.ofWrite(e, outcome);
                return End.AGAIN;
            }
        }
        batch.forEach(request -> request.failure = Replies.ofWrite(e, outcome));
        if (e instanceof Error error) {
            throw error;
        }
        return End.TOLD;
    }

    /** Whether each row by itself would meet the same failure: a tier is not reachable, full, read only or shutting down. */
    private static boolean concernsAll(Throwable thrown) {
        if (!(thrown instanceof PrimaryFailure e)) {
            return thrown instanceof UnderstudyException tier && tier.tier() == Tier.SHARED;
        }
        String state = e.sqlState();
        return e.kind() == PrimaryFailure.Kind.NO_CONNECTION
                || e.isServerAway()
                || state.startsWith("53")
                || state.startsWith("25");
    }

    /** Goes on in a transaction of its own, in the caller's thread and until his deadline. */
    private WriteReceipt alone(Request<K, V> request) {
        K key = request.mutation.key();
        try {
            request.deadline.check(Tier.PRIMARY, Outcome.NOT_APPLIED);
            Map<K, WriteReceipt> receipts =
                    through.alone(List.of(request.mutation), any -> request.known, request.deadline);
            return CacheContext.present(receipts.get(key), "the receipt");
        } finally {
            synchronized (lock) {
                busy.remove(key);
                promote();
            }
        }
    }
}
