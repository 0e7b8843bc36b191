package dev.understudy.sim;

import static org.assertj.core.api.Assertions.fail;

import org.junit.jupiter.api.Test;

/**
 * Runs seeds until the time is over, {@code -Dsim.seconds=25}, or so many of them, {@code -Dsim.seeds=50000}, beginning with
 * {@code -Dsim.from=1}. One seed is replayed by {@code -Dsim.from=SEED -Dsim.seeds=1}.
 */
class SimulationTest {
    private static final long FROM = Long.getLong("sim.from", 1);
    private static final long SEEDS = Long.getLong("sim.seeds", 0);

    private static final long SECONDS = Long.getLong("sim.seconds", 25);
    private static final int SIDE_BY_SIDE = 2;

    @Test
    void run_seeds_nothingIsViolated() throws InterruptedException {
        boolean isCounted = SEEDS > 0;
        Sweep sweep =
                Sweep.of(FROM, isCounted ? SEEDS : Long.MAX_VALUE / 2, isCounted ? 86_400 : SECONDS, 1, SIDE_BY_SIDE);
        System.out.println(sweep);
        for (Simulation.Result result : sweep.bad()) {
            fail(
                    "seed %s violates (replay: -Dsim.from=%s -Dsim.seeds=1): %s%n%s%nhistory:%s",
                    result.seed(), result.seed(), result.violations(), result.plan(), result.history());
        }
    }
}
