package dev.understudy.benchmarks;

import com.alicp.jetcache.Cache;
import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.redisson.api.RMap;

/** Reads that the shared replica answers, with near replicas off, beside {@code GET}. */
final class SharedPart implements Part {
    @Override
    public void measure(Run run) throws Exception {
        try (World world = run.world();
                World.Instance instance = world.instance(settings -> settings.near(near -> near.maximumSize(0)));
                Rivals rivals = world.rivals()) {
            CachedRepository<Long, Doc> docs = instance.docs();
            RMap<Long, Doc> redisson = rivals.redissonMap("shared");
            Cache<Long, Doc> jetCache = rivals.jetCacheRemote("shared");
            world.fill(0, Keys.ROWS, 200);
            int[] ids = Keys.STANDARD.drawn();
            world.setAll(ids);
            instance.load(ids);
            fill(redisson, jetCache);
            RedisCommands<String, String> redis = world.redis().sync();
            for (int threads : new int[] {1, 16}) {
                Contest.Results results = run.results(new Contest(threads)
                        .way("raw", (thread, number) -> found(redis.get("raw:" + Keys.zipf(thread, number))))
                        .way("ours", (thread, number) -> docs.read(Keys.zipf(thread, number), Read.eventual()))
                        .way(Rivals.REDISSON, (thread, number) -> found(redisson.get(Keys.zipf(thread, number))))
                        .way(Rivals.JETCACHE, (thread, number) -> found(jetCache.get(Keys.zipf(thread, number)))));
                Contest.Result raw = results.of("raw");
                Contest.Result ours = results.of("ours");
                Figures figures = run.figures();
                String name = "shared hit, near off, " + threads + " threads, ";
                figures.atLeast(name + "throughput", ours.perSecond(), "/s", raw.perSecond(), threads == 1 ? 0.9 : 1.2);
                figures.seen(name + "p50", ours.p50Micros(), "us", raw.p50Micros());
                figures.seen(name + "p99", ours.p99Micros(), "us", raw.p99Micros());
                figures.rivals(name, results);
            }
        }
    }

    private static void fill(RMap<Long, Doc> redisson, Cache<Long, Doc> jetCache) {
        for (int first = 0; first < Keys.ROWS; first += World.BATCH) {
            Map<Long, Doc> batch = new HashMap<>();
            for (long id = first; id < first + World.BATCH; id++) {
                batch.put(id, Doc.of(id, 200, 0));
            }
            redisson.putAll(batch);
            if (!jetCache.PUT_ALL(batch).isSuccess()) {
                throw new IllegalStateException("JetCache did not put rows");
            }
        }
    }

    /** Refuses a miss, which would be faster. */
    static <T> T found(@Nullable T value) {
        if (value == null) {
            throw new IllegalStateException("a row is not cached");
        }
        return value;
    }
}
