package dev.understudy.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs {@link NearHit} in turns, raw and ours in JVMs of their own, so that what else the machine does meets both alike. */
@Command(name = "near-hits", mixinStandardHelpOptions = true, description = "A near hit beside raw Caffeine.")
public final class NearHits implements Callable<Integer> {
    @Option(names = "--rounds", defaultValue = "5", description = "JVMs of each way.")
    private int rounds;

    @Option(names = "--seconds", defaultValue = "2", description = "Length of one measurement; three in each JVM.")
    private long seconds;

    @Option(names = "--out", defaultValue = "target", description = "Folder for figures.json and figures.md.")
    private Path out = Path.of("target");

    private final Map<String, List<Double>> scores = new HashMap<>();
    private double bytesPerHit;

    /** Options as on the command line. */
    NearHits() {}

    NearHits(int rounds, long seconds) {
        this.rounds = rounds;
        this.seconds = seconds;
    }

    /** Runs the benchmark and ends the JVM. */
    public static void main(String[] arguments) {
        System.exit(new CommandLine(new NearHits()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        Figures figures = new Figures();
        measure(figures);
        figures.write(out);
        return 0;
    }

    /** Adds the figures of this benchmark. */
    void measure(Figures figures) throws RunnerException {
        for (int round = 0; round < rounds; round++) {
            for (String way : List.of("raw1", "ours1", "raw2", "ours2")) {
                run(way);
            }
        }
        for (int threads : new int[] {1, 2}) {
            figures.atLeast(
                    "near hit, " + threads + " threads, throughput",
                    median("ours" + threads) * 1e6,
                    "/s",
                    median("raw" + threads) * 1e6,
                    0.9);
        }
        System.out.printf("allocated by a hit, at most: %.4f bytes%n", bytesPerHit);
    }

    private double median(String way) {
        List<Double> sorted = new ArrayList<>(scores.getOrDefault(way, List.of()));
        sorted.sort(null);
        return sorted.get(sorted.size() / 2);
    }

    private void run(String way) throws RunnerException {
        Options options = new OptionsBuilder()
                .include(NearHit.class.getName() + "." + way + "$")
                .forks(1)
                .warmupIterations(2)
                .warmupTime(TimeValue.seconds(seconds))
                .measurementIterations(3)
                .measurementTime(TimeValue.seconds(seconds))
                .addProfiler(GCProfiler.class)
                .build();
        Collection<RunResult> results = new Runner(options).run();
        for (RunResult result : results) {
            scores.computeIfAbsent(way, name -> new ArrayList<>())
                    .add(result.getPrimaryResult().getScore());
            if (way.startsWith("ours")) {
                Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
                bytesPerHit = Math.max(bytesPerHit, allocated == null ? 0 : allocated.getScore());
            }
        }
    }
}
