package dev.understudy.demo;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Versioned;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** Compares the copies of every key that the demo touched: Postgres, Redis, the near replicas. */
final class Comparison {
    private static final int BATCH = 1_000;
    private static final int SHOWN_MAX = 5;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Report report;
    private final Sql sql;

    /** How many copies of one kind were compared, and how many differed. */
    private static final class Tally {
        final String name;
        final CachedRepository<Long, Product> products;
        final Tier tier;
        long compared;
        long differing;

        Tally(String name, CachedRepository<Long, Product> products, Tier tier) {
            this.name = name;
            this.products = products;
            this.tier = tier;
        }
    }

    Comparison(Report report, Sql sql) {
        this.report = report;
        this.sql = sql;
    }

    /**
     * Waits for the drain and for the staleness bound, then compares.
     *
     * @param ids every key touched
     * @param fresh an instance without near replica that has read nothing yet
     * @param first an instance with a near replica
     * @param second another one
     */
    void run(
            List<Long> ids,
            CachedRepository<Long, Product> fresh,
            CachedRepository<Long, Product> first,
            CachedRepository<Long, Product> second) {
        report.part(
                "Closing comparison",
                "Every key that was read or written, " + Report.number(ids.size())
                        + " of them: the row in Postgres against Redis, read by a new instance without near replica, and against"
                        + " what the near replicas of both instances hold.");
        report.check(first.drain(LIMIT) == 0, "nothing is pending before the comparison");
        // A near replica may trail by the staleness bound; after it, equal is promised.
        LockSupport.parkNanos(Instance.MAX_STALENESS.toNanos());
        List<Tally> tallies = List.of(
                new Tally("Redis", fresh, Tier.SHARED),
                new Tally("near replica of instance 1", first, Tier.NEAR),
                new Tally("near replica of instance 2", second, Tier.NEAR));
        int shown = 0;
        for (int from = 0; from < ids.size(); from += BATCH) {
            List<Long> batch = ids.subList(from, Math.min(ids.size(), from + BATCH));
            Map<Long, Product> rows = sql.selectAll(batch);
            for (Tally tally : tallies) {
                for (Map.Entry<Long, Versioned<Product>> copy :
                        tally.products.readAll(batch, Read.eventual()).entrySet()) {
                    if (copy.getValue().tier() != tally.tier) {
                        continue;
                    }
                    tally.compared++;
                    Optional<Product> row = Optional.ofNullable(rows.get(copy.getKey()));
                    if (!row.equals(copy.getValue().value())) {
                        tally.differing++;
                        if (shown++ < SHOWN_MAX) {
                            report.line(
                                    "differs: key %s, %s: %s instead of %s",
                                    copy.getKey(), tally.name, copy.getValue().value(), row);
                        }
                    }
                }
            }
        }
        conclude(ids.size(), tallies);
    }

    private void conclude(int keys, List<Tally> tallies) {
        report.line("%-30s %12s %12s %12s", "", "keys", "with a copy", "differing");
        long differing = 0;
        long copies = 0;
        for (Tally tally : tallies) {
            report.line(
                    "%-30s %12s %12s %12s",
                    tally.name, Report.number(keys), Report.number(tally.compared), Report.number(tally.differing));
            differing += tally.differing;
            copies += tally.compared;
        }
        report.check(differing == 0, "no copy differs from Postgres");
        report.say("Seen: " + Report.number(keys) + " keys and " + Report.number(copies) + " copies compared, "
                + Report.number(differing) + " differ.");
    }
}
