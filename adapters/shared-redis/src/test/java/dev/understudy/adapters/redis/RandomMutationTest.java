package dev.understudy.adapters.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Takes one rule away at a time: random schedules must find a broken promise. */
final class RandomMutationTest {
    /** How many seeds, from the one given, must suffice. */
    private static final int SCHEDULES = 30;

    private static SimulatedServer server;

    @BeforeAll
    static void startServer() {
        server = SimulatedServer.start();
    }

    @AfterAll
    static void closeServer() {
        server.close();
    }

    static List<RandomMutations.Found> mutations() {
        return RandomMutations.ALL;
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("mutations")
    void rule_takenAway_isMissed(RandomMutations.Found found) {
        ScriptedShard shard = server.shard(found.mutation().scripts());
        Configuration configuration = Configuration.named(found.configuration())
                .without(found.mutation().without());
        Optional<Violation> violation = Optional.empty();
        for (long seed = found.seed(); seed < found.seed() + SCHEDULES && violation.isEmpty(); seed++) {
            violation = Schedule.run(shard, configuration, seed, null);
        }
        assertThat(violation).isPresent();
    }
}
