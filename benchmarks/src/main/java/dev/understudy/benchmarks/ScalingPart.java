package dev.understudy.benchmarks;

import dev.understudy.model.Read;
import dev.understudy.model.Write;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.List;
import java.util.stream.IntStream;

/** Throughput over the number of threads, keys, instances and pending writes, each point beside the raw parts at the same place. */
final class ScalingPart implements Part {
    private static final int[] THREADS = {1, 4, 16, 64};
    private static final int[] KEYS = {10_000, 100_000, 1_000_000};
    private static final int[] INSTANCES = {1, 2, 4};
    private static final int CALLERS = 16;
    /** Calls between two looks at the clock, where one call takes less than that. */
    private static final int NEAR_CALLS = 1_000;

    private final int largest;

    /**
     * The curves.
     *
     * @param largest number of keys and of pending writes that they go to
     */
    ScalingPart(int largest) {
        this.largest = largest;
    }

    @Override
    public void measure(Run run) throws Exception {
        Run halved = run.halved();
        near(halved);
        try (World world = run.world()) {
            threads(halved, world);
            back(halved, world);
            instances(halved, world);
        }
        try (World world = run.world()) {
            keys(halved, world, largest);
        }
        new PendingCurve(largest).measure(halved);
    }

    private static void point(Run run, String curve, double x, String axis, Contest contest) throws Exception {
        Contest.Results results = run.results(contest);
        double ours = results.of("ours").perSecond();
        run.figures()
                .point(
                        "scaling, " + curve,
                        x,
                        axis,
                        ours,
                        "/s",
                        results.of("raw").perSecond());
    }

    private static void near(Run run) throws Exception {
        NearHit hit = new NearHit();
        hit.open();
        try {
            for (int threads : THREADS) {
                NearHit.Cursor[] cursors = new NearHit.Cursor[threads];
                for (int i = 0; i < threads; i++) {
                    cursors[i] = new NearHit.Cursor();
                }
                Contest contest = new Contest(threads)
                        .way("raw", (thread, number) -> {
                            for (int i = 0; i < NEAR_CALLS; i++) {
                                SharedPart.found(hit.raw(cursors[thread]));
                            }
                        })
                        .way("ours", (thread, number) -> {
                            for (int i = 0; i < NEAR_CALLS; i++) {
                                SharedPart.found(hit.ours(cursors[thread]));
                            }
                        });
                point(run, "near hits by the thousand", threads, "threads", contest);
            }
        } finally {
            hit.close();
        }
    }

    private static void threads(Run run, World world) throws Exception {
        try (World.Instance instance = world.instance(settings -> settings.near(near -> near.maximumSize(0)))) {
            prepare(world, instance, 0, Keys.STANDARD);
            for (int threads : THREADS) {
                point(run, "shared hits", threads, "threads", reads(world, instance, Keys.STANDARD, threads));
                point(
                        run,
                        "write-through",
                        threads,
                        "threads",
                        writes(world, List.of(instance), threads, Keys.STANDARD));
            }
        }
    }

    /** Has both tables hold all rows, of which some are there, and the shared replicas those that will be asked for. */
    private static void prepare(World world, World.Instance instance, int there, Keys keys) throws Exception {
        world.fill(there, keys.rows(), 200);
        int[] ids = keys.drawn();
        world.setAll(ids);
        instance.load(ids);
    }

    private static Contest reads(World world, World.Instance instance, Keys keys, int threads) {
        RedisCommands<String, String> redis = world.redis().sync();
        return new Contest(threads)
                .way("raw", (thread, number) -> SharedPart.found(redis.get("raw:" + keys.at(thread, number))))
                .way("ours", (thread, number) -> instance.docs().read(keys.at(thread, number), Read.eventual()));
    }

    private static Contest writes(World world, List<World.Instance> instances, int threads, Keys keys) {
        return new Contest(threads)
                .way("raw", (thread, number) -> ThroughPart.write(world, Doc.of(keys.at(thread, number), 200, number)))
                .way(
                        "ours",
                        (thread, number) -> instances
                                .get(thread % instances.size())
                                .docs()
                                .save(Doc.of(keys.at(thread, number), 200, number)));
    }

    private static void back(Run run, World world) throws Exception {
        try (World.Instance instance = world.back()) {
            world.know(instance, Keys.STANDARD);
            for (int threads : THREADS) {
                Contest contest = new Contest(threads)
                        .way("raw", BackPart.raw(world, Keys.STANDARD))
                        .way(
                                "ours",
                                (thread, number) -> instance.docs()
                                        .save(Doc.of(Keys.zipf(thread, number), 200, number), Write.back()),
                                instance::drain);
                point(run, "write-back acks", threads, "threads", contest);
            }
        }
    }

    private static void instances(Run run, World world) throws Exception {
        for (int count : INSTANCES) {
            List<World.Instance> together = world.instances(count, settings -> {});
            try {
                point(
                        run,
                        "write-through, 16 threads, instances of one table",
                        count,
                        "instances",
                        writes(world, together, CALLERS, Keys.STANDARD));
            } finally {
                together.forEach(World.Instance::close);
            }
        }
    }

    private static void keys(Run run, World world, int largest) throws Exception {
        try (World.Instance instance = world.instance(settings -> settings.near(near -> near.maximumSize(0)))) {
            int before = 0;
            for (int rows : IntStream.of(KEYS).filter(rows -> rows <= largest).toArray()) {
                Keys keys = new Keys(rows);
                prepare(world, instance, before, keys);
                before = rows;
                point(run, "shared hits, 16 threads", rows, "keys", reads(world, instance, keys, CALLERS));
                Contest writes = writes(world, List.of(instance), CALLERS, keys);
                point(run, "write-through, 16 threads, many keys", rows, "keys", writes);
            }
        }
    }
}
