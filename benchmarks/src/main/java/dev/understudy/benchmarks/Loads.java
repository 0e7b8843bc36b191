package dev.understudy.benchmarks;

import dev.understudy.servers.RedisServer.AppendFsync;
import dev.understudy.servers.Servers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** All parts of a run, or some, each against its raw parts and beside other libraries. */
@Command(
        name = "loads",
        mixinStandardHelpOptions = true,
        description = "Measures the library beside its raw parts and other libraries.")
public final class Loads implements Callable<Integer> {
    @Option(
            names = "--only",
            description =
                    "near, through, shared, back, modes, lag, drain, mixed, scaling, memory, invalidation; all unless told. "
                            + "steps prints where the time of a write-through goes.")
    private List<String> only = new ArrayList<>();

    @Option(names = "--seconds", defaultValue = "0.8", description = "Length of one measurement.")
    private double seconds;

    @Option(
            names = "--before",
            defaultValue = "10",
            description =
                    "Seconds that each library reads and writes before the first part, so that the compiler is done with it.")
    private double before;

    @Option(names = "--warm-up", defaultValue = "1.5", description = "Seconds of each way before it is measured.")
    private double warmUp;

    @Option(names = "--repetitions", defaultValue = "5", description = "Measurements of each way.")
    private int repetitions;

    @Option(names = "--fsync", defaultValue = "everysec", description = "Redis' appendfsync: everysec or always.")
    private AppendFsync appendFsync = AppendFsync.EVERYSEC;

    @Option(
            names = "--redis",
            description =
                    "The redis-server program to measure with, in place of the embedded one, whose allocator is the C library's.")
    private @Nullable Path redis;

    @Option(
            names = "--largest",
            defaultValue = "1000000",
            description = "Keys and pending writes that the curves of scaling go to, at least 10,000.")
    private int largest;

    @Option(
            names = "--trace",
            description = "Has the requests of this file replayed too: one key per line, or"
                    + " timestamp,key,key size,value size,client,operation,ttl; plain, .gz or .xz.")
    private @Nullable Path trace;

    @Option(names = "--requests", defaultValue = "100000", description = "Of the trace, at most.")
    private int requests;

    @Option(
            names = "--near",
            defaultValue = "0.1",
            description = "Entries of the near replicas in the replay, by the trace's distinct keys.")
    private double near;

    @Option(names = "--out", defaultValue = "target", description = "Folder for figures and plots.")
    private Path out = Path.of("target");

    /** Runs the loads and ends the JVM. */
    public static void main(String[] arguments) {
        if (System.getProperty("org.slf4j.simpleLogger.defaultLogLevel") == null) {
            System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
        }
        System.exit(new CommandLine(new Loads())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        Map<String, Part> parts = parts();
        for (String name : only) {
            if (!parts.containsKey(name)) {
                throw new IllegalArgumentException("no part is called " + name + "; there are " + parts.keySet());
            }
        }
        if (redis != null) {
            System.setProperty(Servers.REDIS_BINARY, redis.toAbsolutePath().toString());
        }
        Figures figures = new Figures();
        Run run = new Run(figures, appendFsync, repetitions, seconds, Math.max(seconds, warmUp));
        if (before > 0) {
            MixedPart.warmUp(run, before);
        }
        for (Map.Entry<String, Part> part : parts.entrySet()) {
            if (only.isEmpty() ? !part.getKey().equals("steps") : only.contains(part.getKey())) {
                long begin = System.nanoTime();
                part.getValue().measure(run);
                figures.write(out);
                System.out.printf("%s took %.0f s%n", part.getKey(), (System.nanoTime() - begin) / 1e9);
            }
        }
        return 0;
    }

    private Map<String, Part> parts() {
        Map<String, Part> parts = new LinkedHashMap<>();
        parts.put("near", new NearPart());
        parts.put("through", new ThroughPart());
        parts.put("shared", new SharedPart());
        parts.put("back", new BackPart());
        parts.put("modes", new ModesPart());
        parts.put("lag", new LagPart());
        parts.put("drain", new DrainPart());
        parts.put("mixed", new MixedPart());
        parts.put("scaling", new ScalingPart(largest));
        parts.put("memory", new MemoryPart());
        parts.put("invalidation", new InvalidationPart());
        parts.put("steps", new StepsPart());
        Optional.ofNullable(trace).ifPresent(file -> parts.put("replay", new ReplayPart(file, requests, near)));
        return parts;
    }
}
