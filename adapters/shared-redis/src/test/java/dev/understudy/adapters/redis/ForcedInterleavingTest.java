package dev.understudy.adapters.redis;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Interleavings written down, on the scripts as they are and on the scripts without the rule that the interleaving needs. The
 * counterexamples behind rules 1, 2, 25 and 26 have tests of their own names.
 */
final class ForcedInterleavingTest {
    private static SimulatedServer server;

    @BeforeAll
    static void startServer() {
        server = SimulatedServer.start();
    }

    @AfterAll
    static void closeServer() {
        server.close();
    }

    static List<Scenario> scenarios() {
        return Stream.of(ThroughScenarios.ALL, BackScenarios.ALL, ConditionScenarios.ALL, CounterexampleScenarios.ALL)
                .flatMap(List::stream)
                .toList();
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("scenarios")
    void scenario_withTheRule_endsWell(Scenario scenario) {
        assertThat(scenario.endOn(server.shard(Scripts.ALL), false)).isEqualTo(scenario.expected());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("scenarios")
    void scenario_withoutTheRule_endsOtherwise(Scenario scenario) {
        assertThat(scenario.endOn(server.shard(scenario.mutation().scripts()), true))
                .isNotEqualTo(scenario.expected());
    }

    @Test
    void rule1_batchPeekedBeforeSupersedingAndDelete_insertsNothingThatStays() {
        assertThat(play(BackScenarios::peekedThenSupersededThenDeleted)).isEqualTo("absent/absent");
    }

    @Test
    void rule2_answerOfApplyLostOverPendingRecord_libraryInvalSupersedes() {
        assertThat(play(BackScenarios::answerOfApplyLost)).isEqualTo("superseded t t/t");
    }

    @Test
    void rule25_insertBetweenDrainedDeleteAndItsReport_deleteDrainsOnceMore() {
        assertThat(play(BackScenarios::insertBetweenPeekAndDrained)).isEqualTo("absent/absent");
    }

    @Test
    void rule25_writersAroundPendingDelete_newestAcknowledgedStays() {
        assertThat(play(BackScenarios::writersAroundPendingDelete)).isEqualTo("t2/t2");
    }

    @Test
    void rule26_drainBetweenDeleteAndItsApply_insertsNothing() {
        assertThat(play(BackScenarios::drainBetweenDeleteAndApply)).isEqualTo("absent/absent");
    }

    private static String play(Function<Stage, String> interleaving) {
        return interleaving.apply(new Stage(server.shard(Scripts.ALL), "mixed", Set.of()));
    }
}
