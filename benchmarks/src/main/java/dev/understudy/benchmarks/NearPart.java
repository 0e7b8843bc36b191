package dev.understudy.benchmarks;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** {@link NearHit} and {@link RivalHit} in turns, each way in JVMs of its own, so that what else the machine does meets all alike. */
final class NearPart implements Part {
    /** The other libraries are so far off that two rounds tell it. */
    private static final int RIVAL_ROUNDS = 2;

    private static final Map<String, Class<?>> WAYS = new LinkedHashMap<>();

    static {
        WAYS.put("raw", NearHit.class);
        WAYS.put("ours", NearHit.class);
        WAYS.put("redisson", RivalHit.class);
        WAYS.put("jetCache", RivalHit.class);
    }

    /** Of each of three iterations, whatever the run says: with less the compiler has not come to the end of the hit path. */
    private static final TimeValue WARM_UP = TimeValue.seconds(1);

    private final Medians scores = new Medians();
    private double bytesPerHit;

    @Override
    public void measure(Run run) throws RunnerException {
        long millis = Math.round(run.halved().seconds() * 1_000);
        for (int round = 0; round < run.repetitions(); round++) {
            for (int threads : new int[] {1, 2}) {
                for (Map.Entry<String, Class<?>> way : WAYS.entrySet()) {
                    if (round < RIVAL_ROUNDS || way.getValue() == NearHit.class) {
                        jvm(way.getValue(), way.getKey() + threads, TimeValue.milliseconds(millis));
                    }
                }
            }
        }
        for (int threads : new int[] {1, 2}) {
            String name = "near hit, " + threads + " threads, throughput";
            double raw = perSecond("raw" + threads);
            run.figures().atLeast(name, perSecond("ours" + threads), "/s", raw, 0.9);
            run.figures().seen(name + ", " + Rivals.REDISSON, perSecond("redisson" + threads), "/s", raw);
            run.figures().seen(name + ", " + Rivals.JETCACHE, perSecond("jetCache" + threads), "/s", raw);
        }
        System.out.printf("allocated by a hit, at most: %.4f bytes%n", bytesPerHit);
    }

    private double perSecond(String way) {
        return scores.of(way) * 1e6;
    }

    private void jvm(Class<?> benchmark, String way, TimeValue time) throws RunnerException {
        Options options = new OptionsBuilder()
                .include(benchmark.getName() + "." + way + "$")
                .forks(1)
                .warmupIterations(3)
                .warmupTime(WARM_UP)
                .measurementIterations(3)
                .measurementTime(time)
                .addProfiler(GCProfiler.class)
                .build();
        Collection<RunResult> results = new Runner(options).run();
        for (RunResult result : results) {
            scores.add(way, result.getPrimaryResult().getScore());
            if (way.startsWith("ours")) {
                Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
                bytesPerHit = Math.max(bytesPerHit, allocated == null ? 0 : allocated.getScore());
            }
        }
    }
}
