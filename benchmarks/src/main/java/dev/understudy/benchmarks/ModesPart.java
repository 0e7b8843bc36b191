package dev.understudy.benchmarks;

import dev.understudy.CachedRepository;
import dev.understudy.model.Write;
import org.redisson.api.RMap;

/** Both modes of the library under writes alone, and those of Redisson. */
final class ModesPart implements Part {
    @Override
    public void measure(Run run) throws Exception {
        try (World world = run.world();
                World.Instance instance = world.back();
                Rivals rivals = world.rivals()) {
            CachedRepository<Long, Doc> docs = instance.docs();
            world.know(instance, Keys.STANDARD);
            RowWriter writer = new RowWriter(world);
            RMap<Long, Doc> through = rivals.redissonThrough("through", writer);
            RMap<Long, Doc> behind = rivals.redissonBehind("behind", writer);
            Contest.Results results = run.results(new Contest(16)
                    .way("through", (thread, number) -> docs.save(doc(thread, number)))
                    .way("back", (thread, number) -> docs.save(doc(thread, number), Write.back()), instance::drain)
                    .way("Redisson through", (thread, number) -> put(through, doc(thread, number)))
                    .way(
                            "Redisson behind",
                            (thread, number) -> put(behind, doc(thread, number)),
                            () -> writer.awaitBehind(behind)));
            Contest.Result ourThrough = results.of("through");
            Contest.Result ourBack = results.of("back");
            Figures figures = run.figures();
            String name = "write-back against write-through, 16 threads, ";
            figures.atLeast(name + "throughput", ourBack.perSecond(), "/s", ourThrough.perSecond(), 2);
            figures.atMost(name + "p99", ourBack.p99Micros(), "us", ourThrough.p99Micros(), 0.5);
            Contest.Result itsThrough = results.of("Redisson through");
            Contest.Result itsBehind = results.of("Redisson behind");
            figures.seen(name + "throughput, Redisson", itsBehind.perSecond(), "/s", itsThrough.perSecond());
            figures.seen(name + "p99, Redisson", itsBehind.p99Micros(), "us", itsThrough.p99Micros());
        }
    }

    private static Doc doc(int thread, long number) {
        return Doc.of(Keys.zipf(thread, number), 200, number);
    }

    private static void put(RMap<Long, Doc> map, Doc doc) {
        map.fastPut(doc.id(), doc);
    }
}
