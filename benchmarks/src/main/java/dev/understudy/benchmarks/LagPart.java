package dev.understudy.benchmarks;

import dev.understudy.CachedRepository;
import dev.understudy.model.Write;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/** How old the oldest pending write gets while hot keys are written at four fifths of what is possible. */
final class LagPart implements Part {
    /** Of the paced writes: the drain's batches are smaller than those of the parts before, and for some seconds the compiler is busy with them. */
    private static final double WARM_UP_SECONDS = 5;

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
            double perSecond = 0.8 * most;
            paced(write, perSecond).run(0, WARM_UP_SECONDS);
            instance.drain();
            Contest measured = paced(write, perSecond);
            try (LagSamples samples = new LagSamples(docs)) {
                double rate = measured.run(1, run.seconds() * run.repetitions())
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

    /** Writes at that rate from now on; what the machine could not keep up with is made up for. */
    private static Contest paced(Contest.Way write, double perSecond) {
        AtomicLong writes = new AtomicLong();
        long begin = System.nanoTime();
        return new Contest(16).way("paced", (thread, number) -> {
            long due = begin + (long) (writes.getAndIncrement() * 1e9 / perSecond);
            LockSupport.parkNanos(due - System.nanoTime());
            write.run(thread, number);
        });
    }
}
