package dev.understudy.adapters.postgres;

import static dev.understudy.adapters.postgres.CommitOutcomes.said;
import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.adapters.postgres.CommitOutcomes.Incarnation;
import dev.understudy.model.Outcome;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CommitOutcomesTest {
    private static final Incarnation BEFORE = new Incarnation("00000001", "12:00", Set.of(7, 8, 9, 10, 11));

    private static Incarnation now(Integer... processes) {
        return new Incarnation("00000001", "12:00", Set.of(processes));
    }

    @Test
    void committed_isBelievedOfAServerThatHasGoneOn() {
        assertThat(said("committed", BEFORE, BEFORE)).contains(Outcome.APPLIED);
        // A session that is beginning has no database yet, and any number.
        assertThat(said("committed", BEFORE, now(2, 7, 8, 9, 10, 11))).contains(Outcome.APPLIED);
        assertThat(said("committed", now(2, 7, 8, 9, 10, 11), BEFORE)).contains(Outcome.APPLIED);
        // One process was started anew.
        assertThat(said("committed", BEFORE, now(8, 9, 10, 11, 12))).contains(Outcome.APPLIED);
    }

    @Test
    void committed_isNotBelievedOfAServerThatHasStartedItsProcessesAnew() {
        assertThat(said("committed", BEFORE, now(20, 21, 22, 23, 24))).contains(Outcome.UNKNOWN);
        // A number came again by chance.
        assertThat(said("committed", BEFORE, now(11, 21, 22, 23, 24))).contains(Outcome.UNKNOWN);
        assertThat(said("committed", BEFORE, new Incarnation("00000001", "12:01", BEFORE.processes())))
                .contains(Outcome.UNKNOWN);
        assertThat(said("committed", BEFORE, now())).contains(Outcome.UNKNOWN);
    }

    @Test
    void rolledBack_isBelievedExceptOnAnotherTimeline() {
        assertThat(said("aborted", BEFORE, now(20, 21))).contains(Outcome.NOT_APPLIED);
        assertThat(said("aborted", BEFORE, new Incarnation("00000002", "12:00", BEFORE.processes())))
                .contains(Outcome.UNKNOWN);
        assertThat(said("in progress", BEFORE, BEFORE)).isEmpty();
    }
}
