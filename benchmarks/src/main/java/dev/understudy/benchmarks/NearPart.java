package dev.understudy.benchmarks;

import java.util.List;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** {@link NearHit}, and {@link RivalHit} in JVMs of its own. */
final class NearPart implements Part {
    /** Pairs of iterations whatever the run says, each of {@value #ITERATION_MILLIS} ms: with less the compiler has not come to the end of the hit path. */
    private static final int WARM_UPS = 30;

    private static final int PAIRS_PER_REPETITION = 4;
    private static final int ITERATION_MILLIS = 200;
    private static final int RIVAL_ITERATIONS = 5;

    private final Medians scores = new Medians();

    @Override
    public void measure(Run run) throws RunnerException {
        for (int threads : new int[] {1, 2}) {
            String name = "near hit, " + threads + " threads, throughput";
            turns(threads, PAIRS_PER_REPETITION * run.repetitions());
            double raw = perSecond("raw" + threads);
            run.figures().atLeast(name, perSecond("ours" + threads), "/s", raw, 0.9);
            System.out.printf(
                    "allocated by all threads for each hit, %d threads: %.2f bytes, raw %.2f%n",
                    threads, scores.of("ours bytes" + threads), scores.of("raw bytes" + threads));
            for (String rival : List.of(Rivals.REDISSON, Rivals.JETCACHE)) {
                run.figures().seen(name + ", " + rival, rival(rival, threads), "/s", raw);
            }
        }
    }

    private double perSecond(String way) {
        return scores.of(way) * 1e6;
    }

    private void turns(int threads, int pairs) throws RunnerException {
        Options options = options(NearHit.class, "turns" + threads)
                .warmupIterations(2 * WARM_UPS)
                .warmupTime(TimeValue.milliseconds(ITERATION_MILLIS))
                .measurementIterations(2 * pairs)
                .measurementTime(TimeValue.milliseconds(ITERATION_MILLIS))
                .addProfiler(GCProfiler.class)
                .build();
        boolean isOurs = false;
        for (IterationResult iteration : new Runner(options)
                .runSingle()
                .getBenchmarkResults()
                .iterator()
                .next()
                .getIterationResults()) {
            String way = isOurs ? "ours" : "raw";
            scores.add(way + threads, iteration.getPrimaryResult().getScore());
            Result<?> allocated = iteration.getSecondaryResults().get("gc.alloc.rate.norm");
            scores.add(way + " bytes" + threads, allocated == null ? 0 : allocated.getScore());
            isOurs = !isOurs;
        }
    }

    private static double rival(String name, int threads) throws RunnerException {
        Options options = options(RivalHit.class, name + threads)
                .warmupIterations(2)
                .warmupTime(TimeValue.seconds(1))
                .measurementIterations(RIVAL_ITERATIONS)
                .measurementTime(TimeValue.milliseconds(ITERATION_MILLIS))
                .build();
        return new Runner(options).runSingle().getPrimaryResult().getScore() * 1e6;
    }

    private static ChainedOptionsBuilder options(Class<?> benchmark, String method) {
        return new OptionsBuilder()
                .include("(?i)" + benchmark.getName() + "." + method + "$")
                .forks(1);
    }
}
