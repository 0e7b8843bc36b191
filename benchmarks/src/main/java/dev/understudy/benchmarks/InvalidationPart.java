package dev.understudy.benchmarks;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.HdrHistogram.Histogram;
import org.redisson.api.RLocalCachedMap;

/** How long after a save another instance, whose near replica held the row, serves the old value; beside Redisson's own invalidation. */
final class InvalidationPart implements Part {
    private static final int KEYS = 1_000;
    private static final int WRITES_PER_SECOND = 1_000;
    private static final int WRITES_MIN = 100;
    private static final long LOOK_NANOS = 10_000;
    private static final long LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** A save by one instance and the wait for another; the nanoseconds of that wait. */
    @FunctionalInterface
    private interface Trial {
        long run(Doc doc) throws Exception;
    }

    @Override
    public void measure(Run run) throws Exception {
        int writes = (int) Math.max(WRITES_MIN, WRITES_PER_SECOND * run.seconds());
        Medians medians = new Medians();
        try (World world = run.world()) {
            world.fill(0, KEYS, 200);
            List<World.Instance> instances = world.instances(2, settings -> {});
            try (Rivals writing = world.rivals();
                    Rivals reading = world.rivals()) {
                Trial ours = ours(instances.get(0).docs(), instances.get(1).docs());
                Trial redisson = redisson(
                        writing.redissonThrough("invalidation", new RowWriter(world)),
                        reading.redissonThrough("invalidation", new RowWriter(world)));
                for (int round = 0; round <= run.repetitions(); round++) {
                    add(medians, round, "ours", writes, ours);
                    add(medians, round, "redisson", writes, redisson);
                }
            } finally {
                instances.forEach(World.Instance::close);
            }
        }
        for (String percentile : List.of("p50", "p99")) {
            String name = "invalidation of another instance against Redisson, " + percentile;
            double redisson = medians.of("redisson " + percentile);
            run.figures().atMost(name, medians.of("ours " + percentile), "us", redisson, 1);
        }
    }

    private static void add(Medians medians, int round, String way, int writes, Trial trial) throws Exception {
        Histogram nanos = new Histogram(LIMIT_NANOS, 3);
        for (int i = 0; i < writes; i++) {
            nanos.recordValue(trial.run(Doc.of(i % KEYS, 200, (long) round * writes + i + 1)));
        }
        if (round > 0) {
            medians.add(way + " p50", nanos.getValueAtPercentile(50) / 1e3);
            medians.add(way + " p99", nanos.getValueAtPercentile(99) / 1e3);
        }
    }

    private static Trial ours(CachedRepository<Long, Doc> writer, CachedRepository<Long, Doc> reader) {
        return doc -> {
            long limit = System.nanoTime() + LIMIT_NANOS;
            while (reader.read(doc.id(), Read.defaults()).tier() != Tier.NEAR) {
                check(limit);
            }
            writer.save(doc);
            long begin = System.nanoTime();
            while (!reader.find(doc.id()).filter(doc::equals).isPresent()) {
                check(limit);
            }
            return System.nanoTime() - begin;
        };
    }

    private static Trial redisson(RLocalCachedMap<Long, Doc> writer, RLocalCachedMap<Long, Doc> reader) {
        return doc -> {
            long limit = System.nanoTime() + LIMIT_NANOS;
            reader.get(doc.id());
            writer.fastPut(doc.id(), doc);
            long begin = System.nanoTime();
            while (!doc.equals(reader.get(doc.id()))) {
                check(limit);
            }
            return System.nanoTime() - begin;
        };
    }

    private static void check(long limit) {
        if (System.nanoTime() > limit) {
            throw new IllegalStateException("the new value was not served in time");
        }
        // Not by turning: on two processors that keeps one from those who bring the news.
        LockSupport.parkNanos(LOOK_NANOS);
    }
}
