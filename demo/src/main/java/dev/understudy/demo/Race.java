package dev.understudy.demo;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;

/**
 * The late-fill race, forced: a reader misses and reads the old row; it is held; a writer changes the row and returns; the reader goes on
 * and fills the cache. Whoever reads afterwards must get the new row.
 */
final class Race {
    private static final Read PAST_THE_NEAR_REPLICA = Read.bounded(Duration.ZERO);
    private static final Duration PROGRESS = Duration.ofSeconds(2);

    private final Report report;
    private final Settings settings;
    private final Touched touched;
    private final Sql sql;
    private final List<Contestant> contestants;

    /** One way to cache, with what it answered so far. */
    private static final class Contestant {
        final String name;
        final LongConsumer forget;
        final Function<Long, Optional<Product>> find;
        final Consumer<Product> save;
        final List<Function<Long, Optional<Product>>> afterwards;
        final Set<Long> keys = new LinkedHashSet<>();
        int rounds;
        int lateFills;
        int answers;
        int staleAnswers;

        Contestant(
                String name,
                LongConsumer forget,
                Function<Long, Optional<Product>> find,
                Consumer<Product> save,
                List<Function<Long, Optional<Product>>> afterwards) {
            this.name = name;
            this.forget = forget;
            this.find = find;
            this.save = save;
            this.afterwards = afterwards;
        }
    }

    Race(
            Report report,
            Settings settings,
            Touched touched,
            Sql sql,
            CacheAside plain,
            CachedRepository<Long, Product> here,
            CachedRepository<Long, Product> elsewhere) {
        this.report = report;
        this.settings = settings;
        this.touched = touched;
        this.sql = sql;
        Contestant aside = new Contestant(
                "plain cache-aside",
                plain::forget,
                plain::find,
                plain::save,
                List.of(plain::find, plain::findElsewhere));
        this.contestants = List.of(
                aside,
                understudy("Understudy, write-through", Write.through(), here, elsewhere),
                understudy("Understudy, write-back", Write.back(), here, elsewhere));
    }

    private static Contestant understudy(
            String name, Write mode, CachedRepository<Long, Product> here, CachedRepository<Long, Product> elsewhere) {
        return new Contestant(
                name,
                id -> here.invalidate(List.of(id)),
                here::find,
                product -> here.save(product, mode),
                List.of(
                        here::find,
                        id -> elsewhere.read(id, PAST_THE_NEAR_REPLICA).value()));
    }

    void run() {
        report.part(
                "1. Race: a late fill",
                "Each round a reader misses, reads the old row and is held; a write of that row returns; then the reader fills"
                        + " the cache, and two others read: one in the same process, one by another connection to Redis.");
        ExecutorService readers = Executors.newSingleThreadExecutor(task -> {
            Thread thread = new Thread(task, "demo-race-reader");
            thread.setDaemon(true);
            return thread;
        });
        try {
            rounds(readers);
        } finally {
            readers.shutdownNow();
        }
        long staleInTheEnd = contestants.get(0).keys.stream()
                .filter(id -> !contestants.get(0).find.apply(id).equals(sql.select(id)))
                .count();
        report.line("%-28s %8s %10s %14s %8s", "", "rounds", "late fills", "answers after", "stale");
        for (Contestant one : contestants) {
            report.line(
                    "%-28s %8s %10s %14s %8s",
                    one.name,
                    Report.number(one.rounds),
                    Report.number(one.lateFills),
                    Report.number(one.answers),
                    Report.number(one.staleAnswers));
        }
        int stale = contestants.get(1).staleAnswers + contestants.get(2).staleAnswers;
        boolean raced = contestants.stream().allMatch(one -> one.lateFills > 0);
        report.check(raced, "every contestant met at least one late fill");
        report.check(stale == 0, "Understudy gave no stale answer in the race");
        report.say("Seen: plain cache-aside answered " + Report.number(contestants.get(0).staleAnswers) + " of "
                + Report.number(contestants.get(0).answers) + " reads with the old row and still holds it for "
                + Report.number(staleInTheEnd) + " keys; Understudy answered " + Report.number(stale) + " of "
                + Report.number(contestants.get(1).answers + contestants.get(2).answers) + " with it.");
    }

    private void rounds(ExecutorService readers) {
        Random random = new Random(settings.seed());
        long begin = System.nanoTime();
        long end = begin + settings.length().toNanos();
        long nextProgress = begin + PROGRESS.toNanos();
        for (int round = 1; round == 1 || System.nanoTime() < end; round++) {
            long id = 1L + random.nextInt(settings.rows());
            for (int i = 0; i < contestants.size(); i++) {
                // Every write differs from the one before, so that an old row is seen to be old.
                round(contestants.get(i), Product.written(id, contestants.size() * round + i), readers);
            }
            touched.mark(id);
            if (System.nanoTime() > nextProgress) {
                nextProgress += PROGRESS.toNanos();
                report.line("%s rounds", Report.number(round));
            }
        }
    }

    private static void round(Contestant one, Product written, ExecutorService readers) {
        one.forget.accept(written.id());
        Hold hold = new Hold();
        Future<Optional<Product>> reader = readers.submit(() -> hold.during(() -> one.find.apply(written.id())));
        boolean held = hold.awaitReached();
        one.save.accept(written);
        hold.release();
        await(reader);
        one.rounds++;
        one.lateFills += held ? 1 : 0;
        one.keys.add(written.id());
        for (Function<Long, Optional<Product>> read : one.afterwards) {
            one.answers++;
            boolean isNew = read.apply(written.id()).filter(written::equals).isPresent();
            one.staleAnswers += isNew ? 0 : 1;
        }
    }

    private static void await(Future<?> reader) {
        try {
            reader.get(10, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the held reader failed", e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        } catch (TimeoutException e) {
            throw new IllegalStateException("the held reader did not end", e);
        }
    }
}
