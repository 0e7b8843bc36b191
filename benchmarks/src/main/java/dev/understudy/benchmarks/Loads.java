package dev.understudy.benchmarks;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Write;
import dev.understudy.servers.RedisServer.AppendFsync;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The load runs: reads, both kinds of writes and the drain, each against its raw parts. */
@Command(name = "loads", mixinStandardHelpOptions = true, description = "Measures the library beside its raw parts.")
public final class Loads implements Callable<Integer> {
    private static final String LOG =
            "redis.call('SET', KEYS[1], ARGV[1]); return redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'k', KEYS[1])";

    @Option(
            names = "--only",
            description =
                    "near, through, shared, back, modes, lag or drain; all unless told. steps prints where the time of a write-through goes.")
    private List<String> only = new ArrayList<>();

    @Option(names = "--seconds", defaultValue = "3", description = "Length of one measurement.")
    private double seconds;

    @Option(names = "--repetitions", defaultValue = "5", description = "Measurements of each way.")
    private int repetitions;

    @Option(names = "--out", defaultValue = "target", description = "Folder for figures.json and figures.md.")
    private Path out = Path.of("target");

    private final Figures figures = new Figures();

    /** Runs the loads and ends the JVM. */
    public static void main(String[] arguments) {
        if (System.getProperty("org.slf4j.simpleLogger.defaultLogLevel") == null) {
            System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "warn");
        }
        System.exit(new CommandLine(new Loads()).execute(arguments));
    }

    @Override
    public Integer call() throws Exception {
        if (shows("near")) {
            new NearHits(repetitions, Math.max(1, Math.round(seconds))).measure(figures);
        }
        try (World world = new World(AppendFsync.EVERYSEC)) {
            if (shows("through")) {
                for (int threads : new int[] {1, 16}) {
                    for (int bytes : new int[] {200, 4_000}) {
                        through(world, threads, bytes);
                    }
                }
            }
            if (only.contains("steps")) {
                steps(world);
            }
            if (shows("shared")) {
                shared(world, 1, 0.9);
                shared(world, 16, 1.2);
            }
            if (shows("back")) {
                back(world);
            }
            if (shows("modes")) {
                modes(world);
            }
            if (shows("lag")) {
                lag(world);
            }
            if (shows("drain")) {
                drain(world);
            }
        }
        figures.write(out);
        return 0;
    }

    private boolean shows(String part) {
        return only.isEmpty() || only.contains(part);
    }

    private void through(World world, int threads, int bytes) {
        try (World.Instance instance = world.instance(settings -> {})) {
            through(world, instance.docs(), threads, bytes);
        }
    }

    private void through(World world, CachedRepository<Long, Doc> docs, int threads, int bytes) {
        RedisCommands<String, String> redis = world.redis().sync();
        Contest.Results results = new Contest(threads)
                .way("raw", (thread, number) -> {
                    Doc doc = Doc.of(Keys.zipf(thread, number), bytes, number);
                    world.upsert(doc);
                    redis.set("raw:" + doc.id(), doc.body());
                })
                .way("ours", (thread, number) -> docs.save(Doc.of(Keys.zipf(thread, number), bytes, number)))
                .run(repetitions, seconds);
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
    }

    /** Where the time of a write-through goes; printed only. */
    private void steps(World world) {
        Steps steps = new Steps();
        try (World.Instance instance = world.measured(steps)) {
            for (int threads : new int[] {1, 16}) {
                Contest.Result result = new Contest(threads)
                        .way("ours", (thread, number) -> {
                            if (number == 0 && thread == 0) {
                                steps.lines();
                            }
                            instance.docs().save(Doc.of(Keys.zipf(thread, number), 200, number));
                        })
                        .run(repetitions, seconds)
                        .of("ours");
                System.out.printf(
                        "%d threads: %.0f/s, p50 %.0f us, p99 %.0f us%n",
                        threads, result.perSecond(), result.p50Micros(), result.p99Micros());
                steps.lines().forEach(System.out::println);
                System.out.println(world.redis().sync().info("commandstats"));
                world.redis().sync().configResetstat();
            }
        }
    }

    private void shared(World world, int threads, double goal) {
        try (World.Instance instance = world.instance(settings -> settings.near(near -> near.maximumSize(0)))) {
            shared(world, instance.docs(), threads, goal);
        }
    }

    private void shared(World world, CachedRepository<Long, Doc> docs, int threads, double goal) {
        RedisCommands<String, String> redis = world.redis().sync();
        List<Doc> batch = new ArrayList<>();
        for (long id = 0; id < Keys.ROWS; id++) {
            batch.add(Doc.of(id, 200, 0));
            redis.set("raw:" + id, batch.get(batch.size() - 1).body());
            if (batch.size() == 500) {
                docs.saveAll(batch);
                batch.clear();
            }
        }
        Contest.Results results = new Contest(threads)
                .way("raw", (thread, number) -> redis.get("raw:" + Keys.zipf(thread, number)))
                .way("ours", (thread, number) -> docs.read(Keys.zipf(thread, number), Read.eventual()))
                .run(repetitions, seconds);
        Contest.Result raw = results.of("raw");
        Contest.Result ours = results.of("ours");
        String name = "shared hit, near off, " + threads + " threads, ";
        figures.atLeast(name + "throughput", ours.perSecond(), "/s", raw.perSecond(), goal);
        figures.seen(name + "p50", ours.p50Micros(), "us", raw.p50Micros());
        figures.seen(name + "p99", ours.p99Micros(), "us", raw.p99Micros());
    }

    private void back(World world) {
        try (World.Instance instance = backs(world)) {
            back(world, instance.docs());
        }
    }

    private static World.Instance backs(World world) {
        return world.instance(settings ->
                settings.timeout(Duration.ofSeconds(30)).allowWriteBack(back -> back.maximumPending(1_000_000)));
    }

    private void back(World world, CachedRepository<Long, Doc> docs) {
        RedisCommands<String, String> redis = world.redis().sync();
        String script = redis.scriptLoad(LOG);
        Contest.Results results = new Contest(16)
                .way("raw", (thread, number) -> {
                    Doc doc = Doc.of(Keys.zipf(thread, number), 200, number);
                    redis.evalsha(
                            script, ScriptOutputType.VALUE, new String[] {"raw:" + doc.id(), "raw:log"}, doc.body());
                })
                .way(
                        "ours",
                        (thread, number) -> docs.save(Doc.of(Keys.zipf(thread, number), 200, number), Write.back()))
                .run(repetitions, seconds);
        Contest.Result raw = results.of("raw");
        Contest.Result ours = results.of("ours");
        figures.atLeast("write-back ack, 16 threads, throughput", ours.perSecond(), "/s", raw.perSecond(), 0.75);
        figures.seen("write-back ack, 16 threads, p50", ours.p50Micros(), "us", raw.p50Micros());
        figures.seen("write-back ack, 16 threads, p99", ours.p99Micros(), "us", raw.p99Micros());
        docs.drain(Duration.ofSeconds(60));
    }

    private void drain(World world) throws Exception {
        try (World.Instance instance = backs(world)) {
            drain(world, instance.docs());
        }
    }

    private void drain(World world, CachedRepository<Long, Doc> docs) throws Exception {
        int rows = 100_000;
        List<Double> raw = new ArrayList<>();
        List<Double> ours = new ArrayList<>();
        for (int round = 0; round <= repetitions; round++) {
            double rawRate = rows / seconds(() -> rawUpserts(world, rows));
            docs.pauseDrain();
            List<Doc> batch = new ArrayList<>();
            for (long id = 0; id < rows; id++) {
                batch.add(Doc.of(id, 200, round));
                if (batch.size() == 250) {
                    docs.saveAll(batch, Write.back());
                    batch.clear();
                }
            }
            double ourRate = rows
                    / seconds(() -> {
                        docs.resumeDrain();
                        docs.drain(Duration.ofSeconds(60));
                    });
            System.out.printf("drain: %.0f rows/s raw, %.0f drained%n", rawRate, ourRate);
            if (round > 0) {
                raw.add(rawRate);
                ours.add(ourRate);
            }
        }
        raw.sort(null);
        ours.sort(null);
        figures.atLeast("drain, distinct keys", ours.get(ours.size() / 2), "rows/s", raw.get(raw.size() / 2), 0.6);
    }

    /** Both modes of the library under writes alone. */
    private void modes(World world) {
        try (World.Instance instance = backs(world)) {
            CachedRepository<Long, Doc> docs = instance.docs();
            Contest.Results results = new Contest(16)
                    .way("through", (thread, number) -> docs.save(Doc.of(Keys.zipf(thread, number), 200, number)))
                    .way(
                            "back",
                            (thread, number) -> docs.save(Doc.of(Keys.zipf(thread, number), 200, number), Write.back()))
                    .run(repetitions, seconds);
            Contest.Result through = results.of("through");
            Contest.Result back = results.of("back");
            String name = "write-back against write-through, 16 threads, ";
            figures.atLeast(name + "throughput", back.perSecond(), "/s", through.perSecond(), 2);
            figures.atMost(name + "p99", back.p99Micros(), "us", through.p99Micros(), 0.5);
            docs.drain(Duration.ofSeconds(60));
        }
    }

    /** How old the oldest pending write gets while hot keys are written at four fifths of what is possible. */
    private void lag(World world) throws Exception {
        try (World.Instance instance = backs(world)) {
            CachedRepository<Long, Doc> docs = instance.docs();
            Contest.Way write =
                    (thread, number) -> docs.save(Doc.of(Keys.zipf(thread, number), 200, number), Write.back());
            double most = new Contest(16)
                    .way("most", write)
                    .run(repetitions, seconds)
                    .of("most")
                    .perSecond();
            docs.drain(Duration.ofSeconds(60));
            double nanosEach = 1e9 / (0.8 * most);
            AtomicLong writes = new AtomicLong();
            long begin = System.nanoTime();
            try (LagSamples samples = new LagSamples(docs)) {
                double rate = new Contest(16)
                        .way("paced", (thread, number) -> {
                            long due = begin + (long) (writes.getAndIncrement() * nanosEach);
                            LockSupport.parkNanos(due - System.nanoTime());
                            write.run(thread, number);
                        })
                        .run(1, seconds * repetitions / 2)
                        .of("paced")
                        .perSecond();
                figures.atMost("drain lag of hot keys at 80 % of the ack rate, p99", samples.p99Millis(), "ms", 250, 1);
                figures.seen("rate of these writes", rate, "/s", most);
            }
            docs.drain(Duration.ofSeconds(60));
        }
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

    private static void rawUpserts(World world, int rows) throws Exception {
        Long[] ids = new Long[1_000];
        String[] bodies = new String[ids.length];
        for (int from = 0; from < rows; from += ids.length) {
            for (int i = 0; i < ids.length; i++) {
                Doc doc = Doc.of(from + i, 200, from);
                ids[i] = doc.id();
                bodies[i] = doc.body();
            }
            world.upsert(ids, bodies);
        }
    }
}
