package dev.understudy.spi;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * The primary's twin in memory, for tests of the engine and of users. Thread-safe.
 *
 * <p>Transactions that write are serial, from their first lock or change on, unless other {@link Locks} are given; the others see what is
 * committed. Leases, the
 * stamps of versions and commit deadlines follow the clock that is given. Tests can put code before and after a commit, and
 * let calls fail.
 */
public final class InMemoryPrimary implements Primary {
    /** How long a drain waits for the write lock. */
    static final Duration DRAIN_LOCK_TIMEOUT = Duration.ofMillis(300);

    private final Clock clock;
    private final Locks locks;
    private final InMemoryLedger ledger = new InMemoryLedger();
    private final InMemoryOutbox outbox = new InMemoryOutbox();

    @GuardedBy("tables")
    private final Map<String, Map<Object, Object>> tables = new HashMap<>();

    private final AtomicBoolean isAway = new AtomicBoolean();
    private final AtomicLong commits = new AtomicLong();
    private final Deque<PrimaryFailure> failures = new ArrayDeque<>();
    private final Deque<Runnable> beforeCommit = new ArrayDeque<>();
    private final Deque<Runnable> afterCommit = new ArrayDeque<>();
    private final AtomicBoolean isReplyLost = new AtomicBoolean();
    private final List<Consumer<Committed>> watchers = new CopyOnWriteArrayList<>();

    /** An empty primary with the system's clock. */
    public InMemoryPrimary() {
        this(Clock.SYSTEM);
    }

    /** An empty primary with a clock of one's own. */
    public InMemoryPrimary(Clock clock) {
        this(clock, new OneLock());
    }

    /** An empty primary whose transactions lock as they are told. */
    public InMemoryPrimary(Clock clock, Locks locks) {
        this.clock = clock;
        this.locks = locks;
    }

    /** What transactions wait for. Thread-safe. */
    public interface Locks {
        /**
         * Locks a row, existing or not, for a transaction until it ends; again if it has the lock already.
         *
         * @return false if another transaction held it for all that time
         */
        boolean lock(Object transaction, String table, Object key, long nanos) throws InterruptedException;

        /** The transaction has ended. */
        void release(Object transaction);
    }

    /** One lock for all rows: transactions that write are serial. Transactions are confined to their threads. */
    private static final class OneLock implements Locks {
        private final ReentrantLock writing = new ReentrantLock(true);
        private final Set<Object> holders = ConcurrentHashMap.newKeySet();

        @Override
        public boolean lock(Object transaction, String table, Object key, long nanos) throws InterruptedException {
            return holders.contains(transaction)
                    || (writing.tryLock(nanos, TimeUnit.NANOSECONDS) && holders.add(transaction));
        }

        @Override
        public void release(Object transaction) {
            if (holders.remove(transaction)) {
                writing.unlock();
            }
        }
    }

    /** What a transaction has changed: rows by table and key, empty where one was removed. */
    record Committed(Use use, Map<String, Map<Object, Optional<Object>>> changes) {}

    /** Tells the watcher of every commit that changed something, in order. */
    void watch(Consumer<Committed> watcher) {
        watchers.add(watcher);
    }

    /** Lets the next call fail before its work, once for each failure given. */
    public void failNext(PrimaryFailure failure) {
        synchronized (failures) {
            failures.add(failure);
        }
    }

    /** Lets the next commit of a transaction that wrote something happen, and then report that its outcome is unknown. */
    public void loseNextCommitReply() {
        isReplyLost.set(true);
    }

    /** Runs code once, before the next commit of a transaction that wrote something; what it throws rolls back. */
    public void beforeNextCommit(Runnable code) {
        synchronized (beforeCommit) {
            beforeCommit.add(code);
        }
    }

    /** Runs code once, after the next commit of a transaction that wrote something and before the call returns. */
    public void afterNextCommit(Runnable code) {
        synchronized (afterCommit) {
            afterCommit.add(code);
        }
    }

    /** Whether every call fails for want of a connection. */
    public void away(boolean isNowAway) {
        isAway.set(isNowAway);
    }

    /** How many transactions that wrote something were committed. */
    public long commits() {
        return commits.get();
    }

    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        failIfAsked();
        InMemoryTransaction transaction = new InMemoryTransaction(this, locks, use, timeout);
        T result;
        try {
            result = work.on(transaction);
            commit(transaction);
        } catch (Exception | Error e) {
            throw InMemoryPrimary.<RuntimeException>asIs(e);
        } finally {
            locks.release(transaction);
        }
        if (!transaction.changes().isEmpty()) {
            run(afterCommit);
            if (isReplyLost.compareAndSet(true, false)) {
                throw new PrimaryFailure(
                        PrimaryFailure.Kind.TRANSIENT,
                        "08006",
                        Outcome.UNKNOWN,
                        "the connection was lost while committing",
                        null);
            }
        }
        return result;
    }

    @SuppressWarnings("unchecked")
    private static <E extends Throwable> E asIs(Throwable e) throws E {
        throw (E) e;
    }

    private void failIfAsked() {
        PrimaryFailure failure;
        synchronized (failures) {
            failure = failures.poll();
        }
        if (failure != null) {
            throw failure;
        }
        if (isAway.get()) {
            throw new PrimaryFailure(
                    PrimaryFailure.Kind.NO_CONNECTION, "08001", Outcome.NOT_APPLIED, "the primary is away", null);
        }
    }

    private void commit(InMemoryTransaction transaction) {
        if (!transaction.changes().isEmpty()) {
            run(beforeCommit);
        }
        if (nowMicros() > transaction.commitDeadlineMicros()) {
            throw new PrimaryFailure(
                    PrimaryFailure.Kind.TRANSIENT,
                    "",
                    Outcome.NOT_APPLIED,
                    "the marker's deadline had passed before the commit",
                    null);
        }
        if (transaction.changes().isEmpty()) {
            return;
        }
        synchronized (tables) {
            transaction.changes().forEach((table, rows) -> {
                Map<Object, Object> changed = tables.computeIfAbsent(table, absent -> new LinkedHashMap<>());
                rows.forEach((key, row) ->
                        row.ifPresentOrElse(present -> changed.put(key, present), () -> changed.remove(key)));
            });
        }
        commits.incrementAndGet();
        watchers.forEach(watcher -> watcher.accept(new Committed(transaction.use(), transaction.changes())));
    }

    private static void run(Deque<Runnable> hooks) {
        Runnable hook;
        synchronized (hooks) {
            hook = hooks.poll();
        }
        if (hook != null) {
            hook.run();
        }
    }

    /** A committed row. */
    Optional<Object> committed(String table, Object key) {
        synchronized (tables) {
            return Optional.ofNullable(tables.getOrDefault(table, Map.of()).get(key));
        }
    }

    /** A table's committed rows, in the order of their insertion. */
    Map<Object, Object> committed(String table) {
        synchronized (tables) {
            return new LinkedHashMap<>(tables.getOrDefault(table, Map.of()));
        }
    }

    long nanoTime() {
        return clock.nanoTime();
    }

    long nowMicros() {
        return ManualClock.micros(clock.now());
    }

    /** {@inheritDoc} Joins the transaction of a running {@link #call}. */
    @Override
    public <T> T join(Object connection, Duration timeout, Work<T> work) {
        if (!(connection instanceof InMemoryTransaction transaction)) {
            throw new Invalid("the connection is no InMemoryTransaction but a "
                    + connection.getClass().getName());
        }
        try {
            return work.on(transaction);
        } catch (Exception e) {
            throw InMemoryPrimary.<RuntimeException>asIs(e);
        }
    }

    @Override
    public void commitBefore(PrimaryConnection connection, long deadlineMicros) {
        InMemoryTransaction.of(connection).commitBefore(deadlineMicros);
    }

    @Override
    public void lockTimeout(PrimaryConnection connection, Duration timeout) {
        InMemoryTransaction.of(connection).lockTimeout(timeout);
    }

    @Override
    public DrainLedger ledger() {
        return ledger;
    }

    @Override
    public Outbox outbox() {
        return outbox;
    }

    @Override
    public long clockMicros(PrimaryConnection connection) {
        return nowMicros();
    }

    @Override
    public void verify() {
        if (isAway.get()) {
            throw new Invalid("the primary is away");
        }
    }

    @Override
    public void close() {}
}
