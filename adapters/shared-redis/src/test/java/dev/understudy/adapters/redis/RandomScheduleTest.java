package dev.understudy.adapters.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Random schedules of every configuration against the scripts on a real Redis. {@code -Dsim.schedules=20000} sets how many in
 * all, {@code -Dsim.seed=37} replays one seed of each configuration and prints every call of a schedule that fails.
 */
final class RandomScheduleTest {
    private static final int SCHEDULES = Integer.getInteger("sim.schedules", 3000);
    private static final Long SEED = Long.getLong("sim.seed");

    private static SimulatedServer server;

    @BeforeAll
    static void startServer() {
        server = SimulatedServer.start();
    }

    @AfterAll
    static void closeServer() {
        server.close();
    }

    static List<Configuration> configurations() {
        return Configuration.ALL;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("configurations")
    void schedules_ofRandomSeeds_keepEveryPromise(Configuration configuration) {
        ScriptedShard shard = server.shard(Scripts.ALL);
        long first = SEED == null ? 0 : SEED;
        long count = SEED == null ? (SCHEDULES + Configuration.ALL.size() - 1) / Configuration.ALL.size() : 1;
        List<String> failed = new ArrayList<>();
        for (long seed = first; seed < first + count; seed++) {
            Optional<Violation> violation = Schedule.run(shard, configuration, seed, null);
            if (violation.isPresent()) {
                failed.add(
                        configuration + " seed " + seed + ": " + violation.get().getMessage());
                if (SEED != null) {
                    List<String> trace = new ArrayList<>();
                    Schedule.run(shard, configuration, seed, trace);
                    failed.addAll(trace);
                }
            }
        }
        assertThat(failed).isEmpty();
    }
}
