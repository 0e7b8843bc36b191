package dev.understudy.demo;

import dev.understudy.CachedRepository;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.servers.ChildJvm;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A process with pending writes is killed; this one drains them. */
final class TakeOver {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int KEYS = 4_000;
    private static final int WRITES = 10_000;

    private final Report report;
    private final Settings settings;
    private final Touched touched;
    private final Address address;
    private final Sql sql;
    private final CachedRepository<Long, Product> products;

    TakeOver(
            Report report,
            Settings settings,
            Touched touched,
            Address address,
            Sql sql,
            CachedRepository<Long, Product> products) {
        this.report = report;
        this.settings = settings;
        this.touched = touched;
        this.address = address;
        this.sql = sql;
        this.products = products;
    }

    void run() {
        int keys = Math.min(KEYS, settings.rows());
        report.part(
                "2b. Kill: a process with pending writes",
                "Another process writes back " + Report.number(WRITES) + " times to " + Report.number(keys)
                        + " keys and is killed (-9) when all are acknowledged and none has reached Postgres; this process"
                        + " drains them.");
        products.drain(LIMIT);
        products.pauseDrain();
        try {
            long acked = killedWriter(keys);
            WriteBackStatus before = products.writeBackStatus();
            report.line(
                    "killed; %s acknowledged, %s keys pending, none in Postgres yet: %s",
                    Report.number(acked),
                    Report.number(before.lag().entries()),
                    countInPlace(keys) == 0 ? "yes" : "no");
            conservation(before);
            report.check(before.lag().entries() == keys, "every key of the killed process is pending");
        } finally {
            products.resumeDrain();
        }
        long begin = System.nanoTime();
        long left = products.drain(LIMIT);
        double seconds = (System.nanoTime() - begin) / 1e9;
        long inPlace = countInPlace(keys);
        WriteBackStatus after = products.writeBackStatus();
        report.line(
                "drained in %.2f s; %s of %s rows as last acknowledged",
                seconds, Report.number(inPlace), Report.number(keys));
        conservation(after);
        report.check(left == 0 && after.pending() == 0, "nothing is pending after the drain");
        report.check(inPlace == keys, "every acknowledged write of the killed process is in Postgres");
        report.check(after.lost() == 0 && after.dead() == 0, "no write was lost or refused");
        report.say("Seen: all " + Report.number(WRITES)
                + " acknowledged writes of the killed process are accounted for: the"
                + " last of each key is in Postgres, the others were superseded by it.");
    }

    private long killedWriter(int keys) {
        try (ChildJvm child = ChildJvm.builder(PendingWriter.class)
                .arguments(Integer.toString(keys), Integer.toString(WRITES))
                .property("org.slf4j.simpleLogger.defaultLogLevel", System.getProperty(Demo.LOG_LEVEL, "error"))
                .options("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
                .start()) {
            address.lines().forEach(child::send);
            for (long id = 1; id <= keys; id++) {
                touched.mark(id);
            }
            String line = child.await(PendingWriter.ACKED, LIMIT);
            child.kill();
            return Long.parseLong(line.substring(PendingWriter.ACKED.length()));
        }
    }

    /** How many rows hold what was acknowledged last. */
    private long countInPlace(int keys) {
        List<Long> ids = new ArrayList<>();
        for (long id = 1; id <= keys; id++) {
            ids.add(id);
        }
        Map<Long, Product> rows = sql.selectAll(ids);
        long inPlace = 0;
        for (int write = Math.max(1, WRITES - keys + 1); write <= WRITES; write++) {
            Product last = Product.written(PendingWriter.keyOf(write, keys), write);
            inPlace += last.equals(rows.get(last.id())) ? 1 : 0;
        }
        return inPlace;
    }

    private void conservation(WriteBackStatus status) {
        report.line("acked = applied + superseded + dead + pending + lost");
        report.line(
                "%s = %s + %s + %s + %s + %s",
                Report.number(status.acked()),
                Report.number(status.applied()),
                Report.number(status.superseded()),
                Report.number(status.dead()),
                Report.number(status.pending()),
                Report.number(status.lost()));
        report.check(status.isConserved(), "acked = applied + superseded + dead + pending + lost");
    }
}
