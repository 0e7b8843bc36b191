package dev.understudy.benchmarks;

import java.util.HashMap;
import java.util.Map;
import org.redisson.api.RMap;

/** How fast pending writes of distinct keys get to Postgres, beside one connection's upserts of many rows. */
final class DrainPart implements Part {
    private static final int ROWS = 30_000;
    private static final int REDISSON_ROWS = 20_000;

    private static final int BATCH = 250;

    @Override
    public void measure(Run run) throws Exception {
        Medians rates = new Medians();
        try (World world = run.world();
                World.Instance instance = world.back();
                Rivals rivals = world.rivals()) {
            RowWriter writer = new RowWriter(world);
            RMap<Long, Doc> redisson = rivals.redissonBehind("drain", writer);
            for (int round = 0; round <= run.repetitions(); round++) {
                double raw = ROWS / seconds(() -> world.upsertAll(0, ROWS, 200));
                double ours = ours(instance);
                double its = redisson(redisson, writer, round);
                System.out.printf("drain: %.0f rows/s raw, %.0f drained, %.0f by Redisson%n", raw, ours, its);
                if (round > 0) {
                    rates.add("raw", raw);
                    rates.add("ours", ours);
                    rates.add(Rivals.REDISSON, its);
                }
            }
        }
        String name = "drain, distinct keys";
        run.figures().atLeast(name, rates.of("ours"), "rows/s", rates.of("raw"), 0.6);
        run.figures().seen(name + ", " + Rivals.REDISSON, rates.of(Rivals.REDISSON), "rows/s", rates.of("raw"));
    }

    private static double ours(World.Instance instance) throws Exception {
        instance.docs().pauseDrain();
        instance.accept(0, ROWS);
        return ROWS
                / seconds(() -> {
                    instance.docs().resumeDrain();
                    instance.drain();
                });
    }

    private static double redisson(RMap<Long, Doc> map, RowWriter writer, int round) throws Exception {
        writer.hold();
        for (int from = 0; from < REDISSON_ROWS; from += BATCH) {
            Map<Long, Doc> batch = new HashMap<>();
            for (long id = from; id < from + BATCH; id++) {
                batch.put(id, Doc.of(id, 200, round));
            }
            map.putAll(batch);
        }
        return REDISSON_ROWS
                / seconds(() -> {
                    writer.release();
                    writer.awaitBehind(map);
                });
    }

    /** Work that may fail. */
    @FunctionalInterface
    private interface Work {
        void run() throws Exception;
    }

    private static double seconds(Work work) throws Exception {
        long begin = System.nanoTime();
        work.run();
        return (System.nanoTime() - begin) / 1e9;
    }
}
