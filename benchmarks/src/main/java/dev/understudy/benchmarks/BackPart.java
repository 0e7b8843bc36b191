package dev.understudy.benchmarks;

import dev.understudy.model.Ack;
import dev.understudy.model.Write;
import dev.understudy.servers.RedisServer.AppendFsync;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.sync.RedisCommands;
import java.util.concurrent.atomic.AtomicLong;
import org.redisson.api.RMap;

/** How soon a write-back is acknowledged, beside one script of {@code SET} and {@code XADD}: as the run says, and once more with both on disk. */
final class BackPart implements Part {
    private static final String LOG =
            "redis.call('SET', KEYS[1], ARGV[1]); return redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'k', KEYS[1])";

    @Override
    public void measure(Run run) throws Exception {
        if (run.appendFsync() != AppendFsync.ALWAYS) {
            measure(run, "write-back ack, 16 threads, ", Ack.ACCEPTED);
        }
        measure(run.with(AppendFsync.ALWAYS), "write-back ack on disk, 16 threads, ", Ack.FSYNCED);
    }

    private static void measure(Run run, String name, Ack ack) throws Exception {
        try (World world = run.world();
                World.Instance instance = world.back();
                Rivals rivals = world.rivals()) {
            world.know(instance, Keys.STANDARD);
            RowWriter writer = new RowWriter(world);
            RMap<Long, Doc> redisson = rivals.redissonBehind("back", writer);
            Write back = Write.back().ack(ack);
            Contest.Results results = run.results(new Contest(16)
                    .way("raw", raw(world, Keys.STANDARD))
                    .way("ours", (thread, number) -> instance.docs().save(doc(thread, number), back), instance::drain)
                    .way(
                            Rivals.REDISSON,
                            (thread, number) -> {
                                Doc doc = doc(thread, number);
                                redisson.fastPut(doc.id(), doc);
                            },
                            () -> writer.awaitBehind(redisson)));
            Contest.Result raw = results.of("raw");
            Contest.Result ours = results.of("ours");
            Figures figures = run.figures();
            figures.atLeast(name + "throughput", ours.perSecond(), "/s", raw.perSecond(), 0.75);
            figures.seen(name + "p50", ours.p50Micros(), "us", raw.p50Micros());
            figures.seen(name + "p99", ours.p99Micros(), "us", raw.p99Micros());
            figures.rivals(name, results);
            unknown(run, world, instance, name, back);
        }
    }

    /** The first write of each key: the primary is asked for its version. */
    private static void unknown(Run run, World world, World.Instance instance, String name, Write back)
            throws Exception {
        AtomicLong next = new AtomicLong(Keys.ROWS);
        Contest.Way raw = raw(world, (thread, number) -> next.getAndIncrement());
        Contest.Results results = run.halved()
                .results(new Contest(16)
                        .way("raw", raw)
                        .way(
                                "ours",
                                (thread, number) ->
                                        instance.docs().save(Doc.of(next.getAndIncrement(), 200, number), back),
                                instance::drain));
        run.figures()
                .seen(
                        name + "keys that Redis does not know, throughput",
                        results.of("ours").perSecond(),
                        "/s",
                        results.of("raw").perSecond());
    }

    private static Doc doc(int thread, long number) {
        return Doc.of(Keys.zipf(thread, number), 200, number);
    }

    /** The raw parts, with 200 bytes. */
    static Contest.Way raw(World world, Keys keys) {
        return raw(world, keys::at);
    }

    /** The key of a thread's operation of that number. */
    @FunctionalInterface
    private interface Choice {
        long at(int thread, long number);
    }

    private static Contest.Way raw(World world, Choice keys) {
        RedisCommands<String, String> redis = world.redis().sync();
        String script = redis.scriptLoad(LOG);
        return (thread, number) -> {
            Doc doc = Doc.of(keys.at(thread, number), 200, number);
            redis.evalsha(script, ScriptOutputType.VALUE, new String[] {"raw:" + doc.id(), "raw:log"}, doc.body());
        };
    }
}
