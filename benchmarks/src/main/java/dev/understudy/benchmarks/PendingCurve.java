package dev.understudy.benchmarks;

import dev.understudy.model.Write;
import java.time.Duration;
import java.util.stream.IntStream;

/** Acknowledgements of write-backs while many others are pending and the drain is paused. */
final class PendingCurve implements Part {
    private static final int[] PENDING = {0, 10_000, 100_000, 1_000_000};
    /** Pending keys have numbers from here on; those of the measured writes are below. */
    private static final int FIRST = 1_000_000;

    /** So few that their own pending writes do not count. */
    private static final Keys MEASURED = new Keys(1_000);

    private static final int CALLERS = 16;

    private final int largest;

    PendingCurve(int largest) {
        this.largest = largest;
    }

    @Override
    public void measure(Run run) throws Exception {
        try (World world = run.world()) {
            World.Instance instance = world.instance(settings -> settings.timeout(Duration.ofSeconds(30))
                    .allowWriteBack(back -> back.maximumPending(4 * FIRST).maximumBytes(4L << 30)));
            world.know(instance, MEASURED);
            instance.docs().pauseDrain();
            Contest contest = new Contest(CALLERS)
                    .way("raw", BackPart.raw(world, MEASURED))
                    .way(
                            "ours",
                            (thread, number) -> instance.docs()
                                    .save(Doc.of(MEASURED.at(thread, number), 200, number), Write.back()));
            int before = 0;
            for (int pending :
                    IntStream.of(PENDING).filter(pending -> pending <= largest).toArray()) {
                instance.accept(FIRST + before, FIRST + pending);
                before = pending;
                world.awaitRewrite();
                Contest.Results results = run.results(contest);
                double ours = results.of("ours").perSecond();
                String curve = "scaling, write-back acks, 16 threads, drain paused";
                run.figures()
                        .point(
                                curve,
                                pending,
                                "pending",
                                ours,
                                "/s",
                                results.of("raw").perSecond());
            }
            // What is pending goes with the servers.
            instance.understudy().close(Duration.ofMillis(100));
        }
    }
}
