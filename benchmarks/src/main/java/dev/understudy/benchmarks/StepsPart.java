package dev.understudy.benchmarks;

/** Where the time of a write-through goes; printed only. */
final class StepsPart implements Part {
    @Override
    public void measure(Run run) throws Exception {
        Steps steps = new Steps();
        try (World world = run.world();
                World.Instance instance = world.measured(steps)) {
            for (int threads : new int[] {1, 16}) {
                Contest.Result result = run.results(new Contest(threads).way("ours", (thread, number) -> {
                            if (number == 0 && thread == 0) {
                                steps.lines();
                            }
                            instance.docs().save(Doc.of(Keys.zipf(thread, number), 200, number));
                        }))
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
}
