package dev.understudy.benchmarks;

import dev.understudy.CachedRepository;
import dev.understudy.model.Write;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** How old the oldest pending write gets while hot keys are written at four fifths of what is possible. */
final class LagPart implements Part {
    @Override
    public void measure(Run run) throws Exception {
        try (World world = run.world();
                World.Instance instance = world.back()) {
            CachedRepository<Long, Doc> docs = instance.docs();
            world.know(instance, Keys.STANDARD);
            Contest.Way write =
                    (thread, number) -> docs.save(Doc.of(Keys.zipf(thread, number), 200, number), Write.back());
            double most =
                    run.results(new Contest(16).way("most", write)).of("most").perSecond();
            instance.drain();
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
                        .run(1, run.seconds() * run.repetitions() / 2)
                        .of("paced")
                        .perSecond();
                run.figures()
                        .atMost(
                                "drain lag of hot keys at 80 % of the ack rate, p99",
                                samples.p99Millis(), "ms", 250, 1);
                run.figures().seen("rate of these writes", rate, "/s", most);
            }
        }
    }
}
