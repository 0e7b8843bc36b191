package dev.understudy.demo;

import dev.understudy.CachedRepository;
import dev.understudy.engine.Counters;
import dev.understudy.model.Outcome;
import dev.understudy.model.UnderstudyException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** Redis is killed under load, stays away for a while and comes back on the data it had. */
final class Outage {
    private static final Duration TICK = Duration.ofMillis(500);
    /** How much longer than the load to wait for Redis to serve again. */
    private static final int RECONNECT_TICKS_MAX = 20;

    private static final Duration THINK = Duration.ofNanos(100_000);
    private static final Duration WRITE_EVERY = Duration.ofMillis(20);

    private final Report report;
    private final Settings settings;
    private final Touched touched;
    private final Shop shop;
    private final Zipf zipf;
    private final CachedRepository<Long, Product> products;
    private final LongAdder reads = new LongAdder();
    private final LongAdder failedReads = new LongAdder();
    private final AtomicLong slowest = new AtomicLong();
    private final LongAdder writes = new LongAdder();
    private final LongAdder refused = new LongAdder();
    private final LongAdder unknown = new LongAdder();
    private volatile boolean running = true;
    private volatile String state = "up";

    /** The counters at one moment. */
    private record Sample(
            long reads, long failed, long near, long shared, long primary, long writes, long refused, long unknown) {
        Sample since(Sample earlier) {
            return new Sample(
                    reads - earlier.reads,
                    failed - earlier.failed,
                    near - earlier.near,
                    shared - earlier.shared,
                    primary - earlier.primary,
                    writes - earlier.writes,
                    refused - earlier.refused,
                    unknown - earlier.unknown);
        }
    }

    Outage(
            Report report,
            Settings settings,
            Touched touched,
            Shop shop,
            Zipf zipf,
            CachedRepository<Long, Product> products) {
        this.report = report;
        this.settings = settings;
        this.touched = touched;
        this.shop = shop;
        this.zipf = zipf;
        this.products = products;
    }

    void run() {
        Duration away = settings.atMost(5);
        report.part(
                "2a. Kill: Redis goes away under load",
                settings.threads() + " threads read by Zipf's law and one writes through every "
                        + WRITE_EVERY.toMillis() + " ms; after a while Redis is killed for " + away.toSeconds()
                        + " s and started again on its data.");
        report.line(
                "%6s  %-8s %9s %9s %9s %9s %7s %9s %7s %8s",
                "s", "Redis", "reads/s", "near/s", "shared/s", "primary/s", "failed", "slowest", "writes", "refused");
        List<Thread> load = load();
        List<Sample> ticks;
        try {
            ticks = watch(ticks(settings.atMost(3)), ticks(away), ticks(settings.atMost(4)));
        } finally {
            running = false;
            load.forEach(Outage::join);
        }
        long fewest = ticks.stream().mapToLong(Sample::reads).min().orElse(0);
        Sample all = sample();
        report.check(fewest > 0, "reads went on in every half second");
        report.check(all.failed == 0, "no read failed while Redis was away");
        report.check(isServing(ticks), "Redis serves again after its restart");
        report.say("Seen: " + Report.number(all.reads) + " reads, " + Report.number(all.failed)
                + " of them failed; without Redis the near replica stops serving, because it hears of no change, and the primary"
                + " serves all; the slowest half second had "
                + Report.number(fewest * 2.0) + " reads/s; " + Report.number(all.writes) + " writes returned, "
                + Report.number(all.refused) + " were refused before they changed anything and "
                + Report.number(all.unknown) + " ended with an unknown outcome.");
    }

    private static int ticks(Duration duration) {
        return (int) (duration.toNanos() / TICK.toNanos());
    }

    private static Sample last(List<Sample> ticks) {
        return ticks.get(ticks.size() - 1);
    }

    private List<Sample> watch(int before, int away, int after) {
        List<Sample> ticks = new ArrayList<>();
        long begin = System.nanoTime();
        Sample previous = sample();
        Thread breaker = new Thread(() -> {}, "demo-nothing");
        int end = before + away + after;
        for (int tick = 1; tick <= end || (!isServing(ticks) && tick <= end + RECONNECT_TICKS_MAX); tick++) {
            if (tick == before + 1) {
                breaker = daemon("demo-kill", () -> state = shop.breakRedis());
            } else if (tick == before + away + 1) {
                join(breaker);
                breaker = daemon("demo-restart", () -> {
                    state = "starting";
                    shop.mendRedis();
                    state = "up";
                });
            }
            parkUntil(begin + tick * TICK.toNanos());
            Sample now = sample();
            Sample tickOnly = now.since(previous);
            ticks.add(tickOnly);
            print(tick, tickOnly);
            previous = now;
        }
        join(breaker);
        return ticks;
    }

    private static boolean isServing(List<Sample> ticks) {
        return last(ticks).shared() > 0;
    }

    private void print(int tick, Sample one) {
        double perSecond = 1e9 / TICK.toNanos();
        report.line(
                "%6.1f  %-8s %9s %9s %9s %9s %7s %6.0f ms %7s %8s",
                tick * TICK.toMillis() / 1000.0,
                state,
                Report.number(one.reads * perSecond),
                Report.number(one.near * perSecond),
                Report.number(one.shared * perSecond),
                Report.number(one.primary * perSecond),
                Report.number(one.failed),
                slowest.getAndSet(0) / 1e6,
                Report.number(one.writes),
                Report.number(one.refused + one.unknown));
    }

    private List<Thread> load() {
        List<Thread> load = new ArrayList<>();
        for (int i = 0; i < settings.threads(); i++) {
            Zipf keys = zipf.withSeed(settings.seed() + i);
            load.add(daemon("demo-reader-" + i, () -> read(keys)));
        }
        Zipf keys = zipf.withSeed(settings.seed() - 1);
        load.add(daemon("demo-writer", () -> write(keys)));
        return load;
    }

    private void read(Zipf keys) {
        while (running) {
            long id = keys.next();
            touched.mark(id);
            long begin = System.nanoTime();
            try {
                products.find(id);
            } catch (UnderstudyException e) {
                // Counted and checked at the end.
                failedReads.increment();
            }
            reads.increment();
            slowest.accumulateAndGet(System.nanoTime() - begin, Math::max);
            LockSupport.parkNanos(THINK.toNanos());
        }
    }

    private void write(Zipf keys) {
        for (int write = 1; running; write++) {
            long id = keys.next();
            touched.mark(id);
            try {
                products.save(Product.written(id, write));
                writes.increment();
            } catch (UnderstudyException e) {
                // An outcome that is not known is counted apart: the closing comparison holds the copies to one another
                // all the same.
                LongAdder counter = e.outcome() == Outcome.NOT_APPLIED
                        ? refused
                        : e.outcome() == Outcome.APPLIED ? writes : unknown;
                counter.increment();
            }
            LockSupport.parkNanos(WRITE_EVERY.toNanos());
        }
    }

    private Sample sample() {
        Counters counters = products.counters();
        return new Sample(
                reads.sum(),
                failedReads.sum(),
                counters.nearHits.sum(),
                counters.sharedHits.sum(),
                counters.primaryLoads.sum(),
                writes.sum(),
                refused.sum(),
                unknown.sum());
    }

    private static void parkUntil(long nanoTime) {
        for (long left = nanoTime - System.nanoTime(); left > 0; left = nanoTime - System.nanoTime()) {
            LockSupport.parkNanos(left);
        }
    }

    private static Thread daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
        return thread;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
