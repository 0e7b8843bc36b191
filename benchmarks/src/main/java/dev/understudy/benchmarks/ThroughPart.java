package dev.understudy.benchmarks;

import com.alicp.jetcache.Cache;
import io.lettuce.core.api.sync.RedisCommands;
import org.redisson.api.RMap;

/** Write-through beside a committed upsert and a {@code SET}. */
final class ThroughPart implements Part {
    @Override
    public void measure(Run run) throws Exception {
        try (World world = run.world();
                World.Instance instance = world.instance(settings -> {});
                Rivals rivals = world.rivals()) {
            for (int threads : new int[] {1, 16}) {
                for (int bytes : new int[] {200, 4_000}) {
                    measure(run, threads, bytes, run.results(contest(world, instance, rivals, threads, bytes)));
                }
            }
        }
    }

    private static Contest contest(World world, World.Instance instance, Rivals rivals, int threads, int bytes) {
        RMap<Long, Doc> redisson = rivals.redissonThrough("through", new RowWriter(world));
        Cache<Long, Doc> jetCache = rivals.jetCache("through", Rivals.NEAR_SIZE, Rivals.NEAR_LIFE);
        return new Contest(threads)
                .way("raw", (thread, number) -> write(world, doc(thread, number, bytes)))
                .way("ours", (thread, number) -> instance.docs().save(doc(thread, number, bytes)))
                .way(Rivals.REDISSON, (thread, number) -> {
                    Doc doc = doc(thread, number, bytes);
                    redisson.fastPut(doc.id(), doc);
                })
                .way(Rivals.JETCACHE, (thread, number) -> {
                    Doc doc = doc(thread, number, bytes);
                    world.upsert(doc);
                    Rivals.put(jetCache, doc);
                });
    }

    private static Doc doc(int thread, long number, int bytes) {
        return Doc.of(Keys.zipf(thread, number), bytes, number);
    }

    /** The raw parts. */
    static void write(World world, Doc doc) throws Exception {
        RedisCommands<String, String> redis = world.redis().sync();
        world.upsert(doc);
        redis.set("raw:" + doc.id(), doc.body());
    }

    private static void measure(Run run, int threads, int bytes, Contest.Results results) {
        Figures figures = run.figures();
        Contest.Result raw = results.of("raw");
        Contest.Result ours = results.of("ours");
        String name = "write-through, " + threads + " threads, " + bytes + " bytes, ";
        if (threads == 1) {
            figures.atMost(name + "p50", ours.p50Micros(), "us", raw.p50Micros(), 1.25);
            figures.seen(name + "throughput", ours.perSecond(), "/s", raw.perSecond());
        } else {
            figures.atLeast(name + "throughput", ours.perSecond(), "/s", raw.perSecond(), 3);
            figures.seen(name + "p50", ours.p50Micros(), "us", raw.p50Micros());
        }
        figures.seen(name + "p99", ours.p99Micros(), "us", raw.p99Micros());
        figures.rivals(name, results);
    }
}
