package dev.understudy.engine;

import dev.understudy.engine.DrainBatch.Item;
import dev.understudy.engine.DrainBatch.MassRefusal;
import dev.understudy.engine.DrainBatch.Result;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.Pending;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.Fate;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Moves pending writes to the primary: looks which shards have some, holds their leases, peeks, writes, tells the shared replica. One thread per repository runs {@link #step}, for all members of its {@link DrainGroup} if it has one; the rest is thread-safe.
 *
 * <p>A crash between any two of these loses nothing: entries stay pending until {@code DRAINED} finds version and write identity
 * unchanged, and a row written twice is recognised by its version.
 */
final class Drain<K, V> {
    private static final Logger LOG = LoggerFactory.getLogger(Drain.class);
    private static final Duration LOOK = Duration.ofMillis(5);
    /** Time to find the shards that are free among very many of others, who are asked again and again. */
    private static final Duration ASKING = Duration.ofSeconds(1);

    static final Duration IDLE_PAUSE = Duration.ofMillis(250);
    /** Fewer would hide from the batch that so many rows are refused that the table must have changed. */
    private static final int BATCH_LEAST = 20;

    /** Transactions of one round: while one runs, the shared replica takes what the one before has written. */
    private static final int PARTS = 4;
    /** Entries that are asked for at a time, so that callers' requests do not wait for all of them. */
    private static final int PEEKED_AT_A_TIME = 256;

    private static final Duration FIRST_BACKOFF = Duration.ofMillis(25);
    private static final Duration LAST_BACKOFF = Duration.ofSeconds(5);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final Undrained undrained;
    private final ShardLeases<K, V> leases;
    private final Orphans orphans;
    private final Thread thread;
    private volatile boolean running = true;
    private volatile boolean paused;
    /** How often a pause was asked for, and which of these the thread has come to; equal while it rests. */
    private final AtomicLong pauses = new AtomicLong();

    private volatile long rested;
    private volatile boolean hinted;
    private final AtomicLong looks = new AtomicLong();
    private volatile Look lastLook = new Look(0, Set.of(), true);
    private final FailureLog failures;
    private Duration backoff = FIRST_BACKOFF;
    /** Rows of a batch: halved when its time did not suffice, doubled by each success. */
    private volatile int batchRows;

    /** Guarded by the round's lock. */
    private final BatchShares choice = new BatchShares();

    private final Lock roundLock = new ReentrantLock();
    private volatile @Nullable DrainGroup group;

    Drain(CacheContext<K, V> context, Shards shards, Undrained undrained, String owner, String threadName) {
        this.context = context;
        this.shards = shards;
        this.undrained = undrained;
        this.leases = new ShardLeases<>(context, owner);
        this.failures = new FailureLog(context.clock, context.store.name());
        this.orphans = new Orphans(context.clock, context.settings.back().parentWait());
        this.batchRows = context.settings.back().batch();
        this.thread = new Thread(this::run, threadName);
        this.thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    /** Something is pending: the next step need not wait for the idle pause. */
    void hint() {
        if (!hinted) {
            hinted = true;
            LockSupport.unpark(thread);
        }
    }

    /** Ends the round under way and gives the shards back, so that others go on with them; waits for both until the deadline. */
    void pause(Deadline deadline) {
        paused = true;
        long turn = pauses.incrementAndGet();
        LockSupport.unpark(thread);
        while (rested < turn && thread.isAlive() && deadline.rest(LOOK)) {
            LockSupport.unpark(thread);
        }
    }

    void resume() {
        paused = false;
        hinted = true;
        LockSupport.unpark(thread);
    }

    /** Has the thread end its round, give the leases back and end. */
    void stop() {
        running = false;
        LockSupport.unpark(thread);
    }

    /** Waits until the thread has ended, until the deadline. */
    void awaitStop(Deadline deadline) {
        try {
            thread.join(Math.max(1, deadline.remaining().toMillis()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What this instance drained when it last looked, and whether these are all shards that it could get. Immutable. */
    private record Look(long number, Set<Integer> shards, boolean isComplete) {}

    /** The end of a wait for what is pending now, see {@link #isCaughtUp}. Immutable. */
    record Mark(long look, long at) {}

    /** Marks the moment. */
    Mark mark() {
        hint();
        return new Mark(looks.get(), context.clock.nanoTime());
    }

    /**
     * Whether nothing is left in this instance's shards of what was pending there at the mark. Shards that others drain are theirs; a drain
     * that is paused leaves everything to others.
     */
    boolean isCaughtUp(Mark mark, Deadline deadline) {
        hint();
        Look seen = lastLook;
        if (paused) {
            return true;
        }
        Duration since = Duration.ofNanos(context.clock.nanoTime() - mark.at());
        boolean mayGetMore = !seen.isComplete() && since.compareTo(ASKING) < 0;
        if (seen.number() <= mark.look() || mayGetMore) {
            return false;
        }
        List<Integer> own = List.copyOf(seen.shards());
        return shards
                .callAll(own, i -> generation -> new SharedCommand.Status(own.get(i), generation), deadline)
                .stream()
                .allMatch(status -> status.queued() == 0 || status.oldest().compareTo(since) < 0);
    }

    private void run() {
        while (running) {
            if (paused) {
                rest();
                continue;
            }
            Duration pause = stepSafely();
            if (pause.equals(IDLE_PAUSE) && await(pause, true)) {
                // Woken by the first write after a rest: the writes that follow it shall merge.
                await(context.settings.back().delay(), false);
            } else if (!pause.isZero()) {
                await(pause, false);
            }
        }
        giveBack();
    }

    private void rest() {
        long turn = pauses.get();
        if (rested < turn) {
            giveBack();
            rested = turn;
        }
        context.clock.park(this, IDLE_PAUSE.toNanos());
    }

    private void giveBack() {
        roundLock.lock();
        try {
            leases.release(true, context.settings.timeout());
        } catch (RuntimeException e) {
            LOG.info("leases of {} were not given back and will expire", context.store.name());
        } finally {
            roundLock.unlock();
        }
    }

    /** Waits, until a hint if told so or until the drain is stopped; answers whether there was a hint. */
    private boolean await(Duration pause, boolean untilHint) {
        long end = context.clock.nanoTime() + pause.toNanos();
        for (long left = pause.toNanos();
                running && left > 0 && !(untilHint && hinted);
                left = end - context.clock.nanoTime()) {
            context.clock.park(this, left);
        }
        return hinted;
    }

    Duration stepSafely() {
        try {
            hinted = false;
            Duration next = step();
            backoff = FIRST_BACKOFF;
            batchRows = Math.min(context.settings.back().batch(), batchRows * 2);
            failures.ended();
            return next;
        } catch (PrimaryFailure | SharedReplicaFailure | GenerationChanged | MassRefusal e) {
            context.counters.drainFailures.increment();
            if (isLate(e)) {
                batchRows = Math.max(Math.min(BATCH_LEAST, batchRows), batchRows / 2);
            }
            failures.warn(e.getMessage());
        } catch (RuntimeException | Error e) {
            // An error too: a thread that ends leaves the instance's shards to nobody while its leases are renewed.
            context.counters.drainFailures.increment();
            LOG.error(
                    "drain of {} failed and is retried: {}",
                    context.store.name(),
                    e.getClass().getName(),
                    e);
        }
        backoff = backoff.multipliedBy(2).compareTo(LAST_BACKOFF) > 0 ? LAST_BACKOFF : backoff.multipliedBy(2);
        return Duration.ofNanos(ThreadLocalRandom.current().nextLong(backoff.toNanos() / 2, backoff.toNanos()));
    }

    /** Whether the time of a transaction or of a command ran out. */
    private static boolean isLate(RuntimeException e) {
        return e instanceof PrimaryFailure primary
                ? primary.sqlState().equals("57014") || primary.sqlState().equals("25P04")
                : e instanceof SharedReplicaFailure shared && shared.reason() == SharedReplicaFailure.Reason.NO_ANSWER;
    }

    /**
     * One round: everything pending in this instance's shards, up to a few batches and what could not be written before.
     *
     * @return how long to wait until the next; zero if there is more to do, or enough has merged meanwhile
     */
    Duration step() {
        DrainGroup of = group;
        if (of != null) {
            return of.step();
        }
        roundLock.lock();
        try {
            Optional<Round> round = begin();
            return round.isPresent() ? round.get().write() : IDLE_PAUSE;
        } finally {
            roundLock.unlock();
        }
    }

    /** Has this drain's rounds done together with those of the group's other members, from the next one on. */
    void join(DrainGroup of) {
        group = of;
    }

    /** Held by the thread that does a round of this drain or gives its leases back. */
    Lock roundLock() {
        return roundLock;
    }

    boolean isPaused() {
        return running && paused;
    }

    boolean isRunning() {
        return running;
    }

    /** Looks what is pending in this instance's shards; empty if there is nothing to write. */
    Optional<Round> begin() {
        long begun = context.clock.nanoTime();
        Deadline deadline = Deadline.after(context.clock, context.settings.timeout());
        long look = looks.incrementAndGet();
        Map<Integer, Long> pending = pendingByShard(deadline);
        leases.release(false, context.settings.timeout());
        if (pending.isEmpty()) {
            lastLook = new Look(look, Set.of(), true);
            context.left.clear();
            return Optional.empty();
        }
        Map<Integer, Long> held = leases.hold(pending.keySet(), context.settings.timeout());
        lastLook = new Look(look, Set.copyOf(held.keySet()), !leases.mayGetMore());
        pending.keySet().retainAll(held.keySet());
        boolean isAlone = group == null;
        Map<Integer, Integer> shares = choice.of(pending, isAlone ? PARTS * batchRows : batchRows, isAlone);
        DrainBatch<K, V> batch = new DrainBatch<>(context, leases, orphans, held);
        List<Item<K, V>> items = batch.items(peek(shares, deadline));
        context.left.saw(pending.keySet(), shares.keySet(), batch.left());
        if (items.isEmpty()) {
            choice.noteStuck(shares.keySet(), batch.stuck());
            leases.handOver(batch.left().keySet(), context.settings.timeout());
            return Optional.empty();
        }
        boolean isMore = shares.values().stream().mapToLong(Integer::longValue).sum()
                < pending.values().stream().mapToLong(Long::longValue).sum();
        return Optional.of(new Round(begun, batch, items, shares.keySet(), isMore));
    }

    /** What one look found. Confined to the thread that holds the round's lock. */
    final class Round {
        private final long begun;
        private final DrainBatch<K, V> batch;
        private final List<Item<K, V>> items;
        private final Set<Integer> looked;
        private final boolean isMore;
        private final List<Told<K, V>> told = new ArrayList<>();

        private Round(long begun, DrainBatch<K, V> batch, List<Item<K, V>> items, Set<Integer> looked, boolean isMore) {
            this.begun = begun;
            this.batch = batch;
            this.items = items;
            this.looked = looked;
            this.isMore = isMore;
        }

        DrainBatch<K, V> batch() {
            return batch;
        }

        List<Item<K, V>> items() {
            return items;
        }

        Duration timeout() {
            return context.settings.timeout();
        }

        /** Whether the drain was neither stopped nor paused since. */
        boolean goesOn() {
            return running && !paused;
        }

        /** Until when rows that others have locked are looked for. */
        Deadline locksUntil() {
            return Deadline.after(context.clock, context.settings.timeout());
        }

        /** Writes in transactions of its own, a batch each; answers how long to wait until the next round. */
        Duration write() {
            int rows = batchRows;
            try {
                for (int from = 0; from < items.size() && (from == 0 || goesOn()); from += rows) {
                    try {
                        batch.write(items.subList(from, Math.min(items.size(), from + rows)), this::goesOn);
                    } finally {
                        send();
                    }
                }
                batch.end();
            } finally {
                tell();
            }
            return end();
        }

        /** Has the shared replica told what has been written since the last time; the answers are waited for in {@link #tell}. */
        private void send() {
            Map<Item<K, V>, Result> news = new LinkedHashMap<>(batch.results());
            told.forEach(earlier -> earlier.items().forEach(news::remove));
            if (!news.isEmpty()) {
                told.add(sent(news));
            }
        }

        /** Tells the shared replica what has been written so far. */
        void tell() {
            choice.noteStuck(looked, batch.stuck());
            send();
            Deadline deadline = Deadline.after(context.clock, context.settings.timeout());
            told.forEach(news -> settle(news, deadline));
        }

        /** Answers how long to wait until the next round. */
        Duration end() {
            leases.handOver(batch.left().keySet(), context.settings.timeout());
            Duration delay = context.settings.back().delay();
            if (batch.results().isEmpty()) {
                // Rows that others have locked, most likely.
                return delay.compareTo(FIRST_BACKOFF) < 0 ? FIRST_BACKOFF : delay;
            }
            // What came while this round ran has merged meanwhile.
            long since = context.clock.nanoTime() - begun;
            return isMore || since >= delay.toNanos() ? Duration.ZERO : delay.minusNanos(since);
        }
    }

    private Map<Integer, Long> pendingByShard(Deadline deadline) {
        List<Long> counts = Replies.await(context.shared.pending(), deadline);
        Map<Integer, Long> pending = new LinkedHashMap<>();
        for (int shard = 0; shard < counts.size(); shard++) {
            if (counts.get(shard) > 0) {
                pending.put(shard, counts.get(shard));
            }
        }
        return pending;
    }

    private List<Pending> peek(Map<Integer, Integer> shares, Deadline deadline) {
        List<Integer> from = List.copyOf(shares.keySet());
        List<Integer> limits = choice.limits(shares);
        List<Shards.Reply<List<Pending>>> peeked = shards.attemptAll(
                from,
                i -> generation -> new SharedCommand.Peek(from.get(i), generation, Duration.ZERO, limits.get(i)),
                limits::get,
                PEEKED_AT_A_TIME,
                deadline);
        List<Pending> all = new ArrayList<>();
        RuntimeException failure = null;
        for (Shards.Reply<List<Pending>> reply : peeked) {
            if (reply.failure() == null) {
                all.addAll(reply.result());
            } else {
                failure = reply.failure();
            }
        }
        if (failure != null && all.isEmpty()) {
            throw failure;
        }
        if (failure != null) {
            // The others' entries do not wait for a shard that cannot be read.
            context.counters.drainFailures.increment();
            failures.warn(failure.getMessage());
        }
        return all;
    }

    /** What has been written and is told to the shared replica. */
    private record Told<K, V>(List<Item<K, V>> items, Map<Item<K, V>, Result> results, Shards.Telling replies) {}

    private Told<K, V> sent(Map<Item<K, V>, Result> results) {
        List<Item<K, V>> items = List.copyOf(results.keySet());
        Shards.Telling replies =
                shards.tellDrained(items.stream().map(Item::shard).toList(), i -> {
                    Item<K, V> item = items.get(i);
                    Result result = Objects.requireNonNull(results.get(item));
                    return generation -> new SharedCommand.Drained(
                            item.pending().key(),
                            generation,
                            item.entry().version(),
                            item.entry().kind(),
                            result.fate(),
                            result.correction(),
                            context.timeToLive(item.deletes()),
                            item.entry().writeId());
                });
        return new Told<>(items, results, replies);
    }

    private void settle(Told<K, V> told, Deadline deadline) {
        List<Item<K, V>> items = told.items();
        List<Shards.Reply<DrainedReply>> replies = told.replies().await(deadline);
        Map<Fate, Integer> counts = new LinkedHashMap<>();
        for (int i = 0; i < items.size(); i++) {
            if (replies.get(i).failure() != null) {
                // The row is written and the entry stays pending: the next round finds it applied.
                context.counters.drainFailures.increment();
            } else {
                undrained.settled(
                        items.get(i).pending().key(), items.get(i).entry().version());
                Result result = Objects.requireNonNull(told.results().get(items.get(i)));
                counts.merge(result.fate(), 1, Integer::sum);
            }
        }
        context.counters.drainedRows.add(counts.getOrDefault(Fate.APPLIED, 0));
    }
}
