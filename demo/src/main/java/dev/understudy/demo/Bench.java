package dev.understudy.demo;

import dev.understudy.CachedRepository;
import dev.understudy.engine.Counters;
import dev.understudy.model.Lag;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.ToLongFunction;

/** The same mix of reads and writes through plain JDBC, write-through and write-back. */
final class Bench {
    private static final Duration DRAIN_LIMIT = Duration.ofSeconds(60);
    private static final int WARMING_READS = 100_000;
    private static final int WARMING_BATCH = 1_000;

    private final Report report;
    private final Settings settings;
    private final Touched touched;
    private final Zipf zipf;
    private final Sql plain;
    private final CachedRepository<Long, Product> products;

    /** What one way did. */
    private record Result(
            String name, Load.Measured load, long near, long shared, long primary, long rowsWritten, LagSeen lag) {}

    /** The largest lag seen, and how long the rest took to drain. */
    private record LagSeen(long entries, Duration oldest, Duration drained) {
        static final LagSeen NONE = new LagSeen(0, Duration.ZERO, Duration.ZERO);
    }

    Bench(
            Report report,
            Settings settings,
            Touched touched,
            Zipf zipf,
            Sql plain,
            CachedRepository<Long, Product> products) {
        this.report = report;
        this.settings = settings;
        this.touched = touched;
        this.zipf = zipf;
        this.plain = plain;
        this.products = products;
    }

    void run() {
        report.part(
                "3. Bench: the same mix three ways",
                settings.threads() + " threads, Zipf 0.99 over " + Report.number(settings.rows())
                        + " rows, 90 % reads, " + settings.seconds() + " s each, near replica of "
                        + Report.number(Demo.NEAR_SIZE) + " entries, PostgreSQL with fsync on.");
        Result jdbc = jdbc();
        warmUp();
        Result through = understudy("write-through", Write.through(), counters -> counters.throughWrites.sum());
        Result back = understudy("write-back", Write.back(), counters -> counters.drainedRows.sum());
        List<Result> all = List.of(jdbc, through, back);
        row(all, "", Result::name);
        row(all, "operations per second", one -> Report.number(one.load.perSecond()));
        row(all, "read p50 / p99", one -> one.load.reads(50) + " / " + one.load.reads(99));
        row(all, "write p50 / p99", one -> one.load.writes(50) + " / " + one.load.writes(99));
        row(all, "reads near / shared / primary", Bench::tiers);
        row(all, "writes acknowledged", one -> Report.number(one.load.writeCount()));
        row(all, "rows written to Postgres", one -> Report.number(one.rowsWritten));
        row(all, "largest lag, keys / age", Bench::lag);
        row(all, "drained after the load in", one -> one.name.equals("write-back") ? millis(one.lag.drained) : "-");
        row(all, "failed operations", one -> Report.number(one.load.failed()));
        long failed = all.stream().mapToLong(one -> one.load.failed()).sum();
        report.check(failed == 0, "no operation of the bench failed");
        report.say(String.format(
                Locale.ROOT,
                "Seen: write-through did %.1f times and write-back %.1f times the operations of plain JDBC; write-back"
                        + " acknowledged %s writes and wrote %s rows for them.",
                through.load.perSecond() / jdbc.load.perSecond(),
                back.load.perSecond() / jdbc.load.perSecond(),
                Report.number(back.load.writeCount()),
                Report.number(back.rowsWritten)));
    }

    private Result jdbc() {
        report.line("plain JDBC ...");
        LongConsumer read = plain::select;
        Consumer<Product> write = plain::update;
        leadIn(read, write);
        Load.Measured load = new Load(settings, zipf).run(settings.length(), read, write);
        return new Result("plain JDBC", load, 0, 0, load.readCount(), load.writeCount(), LagSeen.NONE);
    }

    /** Runs what is measured next for a second, so that no way pays for the start of the JVM. */
    private void leadIn(LongConsumer read, Consumer<Product> write) {
        new Load(settings, zipf).run(settings.atMost(1), read, write);
    }

    /** Fills both replicas with what the load will mostly ask for, so that neither mode pays for a cold start. */
    private void warmUp() {
        report.line("warming the replicas by %s reads ...", Report.number(WARMING_READS));
        Zipf keys = zipf.withSeed(settings.seed() + 1_000);
        for (int i = 0; i < WARMING_READS; i += WARMING_BATCH) {
            Set<Long> batch = new HashSet<>();
            for (int j = 0; j < WARMING_BATCH; j++) {
                batch.add(keys.next());
            }
            batch.forEach(touched::mark);
            products.findAll(batch);
        }
    }

    private Result understudy(String name, Write mode, ToLongFunction<Counters> written) {
        report.line("%s ...", name);
        LongConsumer read = id -> {
            touched.mark(id);
            products.find(id);
        };
        Consumer<Product> write = product -> {
            touched.mark(product.id());
            products.save(product, mode);
        };
        leadIn(read, write);
        products.drain(DRAIN_LIMIT);
        Counters counters = products.counters();
        long near = counters.nearHits.sum();
        long shared = counters.sharedHits.sum();
        long primary = counters.primaryLoads.sum();
        long rows = written.applyAsLong(counters);
        LagWatch watch = new LagWatch(products);
        Load.Measured load = new Load(settings, zipf).run(settings.length(), read, write);
        near = counters.nearHits.sum() - near;
        shared = counters.sharedHits.sum() - shared;
        primary = counters.primaryLoads.sum() - primary;
        Lag largest = watch.stop();
        long begin = System.nanoTime();
        long left = products.drain(DRAIN_LIMIT);
        Duration drained = Duration.ofNanos(System.nanoTime() - begin);
        report.check(left == 0, "everything was drained after " + name);
        rows = written.applyAsLong(counters) - rows;
        return new Result(
                name, load, near, shared, primary, rows, new LagSeen(largest.entries(), largest.oldest(), drained));
    }

    private void row(List<Result> all, String title, Function<Result, String> cell) {
        report.line(
                "%-30s %20s %20s %20s", title, cell.apply(all.get(0)), cell.apply(all.get(1)), cell.apply(all.get(2)));
    }

    private static String tiers(Result one) {
        long all = one.near + one.shared + one.primary;
        return String.join(
                " / ",
                Report.percent(one.near, all),
                Report.percent(one.shared, all),
                Report.percent(one.primary, all));
    }

    private static String lag(Result one) {
        return one.name.equals("write-back") ? Report.number(one.lag.entries) + " / " + millis(one.lag.oldest) : "-";
    }

    private static String millis(Duration duration) {
        return duration.toMillis() + " ms";
    }
}
