package dev.understudy.checkers;

import static dev.understudy.checkers.Calls.bounded;
import static dev.understudy.checkers.Calls.delete;
import static dev.understudy.checkers.Calls.failed;
import static dev.understudy.checkers.Calls.history;
import static dev.understudy.checkers.Calls.lost;
import static dev.understudy.checkers.Calls.mine;
import static dev.understudy.checkers.Calls.read;
import static dev.understudy.checkers.Calls.versioned;
import static dev.understudy.checkers.Calls.write;
import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.checkers.Copies.Commit;
import dev.understudy.checkers.Copies.Counts;
import dev.understudy.checkers.Operation.Kind;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class GuaranteesTest {
    @Test
    void boundedStaleness_oldValueWithinBound_isFine() {
        assertThat(BoundedStaleness.check(history(write(1, 0, 1), write(2, 2, 3), bounded(10, 1, 12, 13)), 0))
                .isEmpty();
    }

    @Test
    void boundedStaleness_oldValuePastBound_isFound() {
        assertThat(BoundedStaleness.check(history(write(1, 0, 1), write(2, 2, 3), bounded(10, 1, 14, 15)), 0))
                .hasSize(1);
    }

    @Test
    void boundedStaleness_oldValueByVersionPastBound_isFound() {
        assertThat(BoundedStaleness.check(
                        history(versioned(1, 10, 0, 9), versioned(2, 12, 0, 3), bounded(5, 1, 20, 21)), 0))
                .hasSize(1);
    }

    @Test
    void boundedStaleness_nothingPastBound_isFoundUnlessDeleted() {
        assertThat(BoundedStaleness.check(history(write(1, 0, 1), bounded(2, 0, 4, 5)), 0))
                .hasSize(1);
        assertThat(BoundedStaleness.check(history(write(1, 0, 1), delete(2, 9), bounded(2, 0, 4, 5)), 0))
                .isEmpty();
    }

    @Test
    void boundedStaleness_deletedValuePastBound_isFound() {
        assertThat(BoundedStaleness.check(history(write(1, 0, 1), delete(2, 3), bounded(2, 1, 9, 10)), 0))
                .hasSize(1);
    }

    @Test
    void sessions_ownWriteNotSeen_isFound() {
        assertThat(SessionGuarantees.check(
                        history(write(1, 0, 1), mine(Kind.WRITE, 2, 0, 2, 3), mine(Kind.READ, 1, 0, 4, 5))))
                .extracting(Violation::check)
                .containsExactly(SessionGuarantees.READ_YOUR_WRITES);
    }

    @Test
    void sessions_readGoesBack_isFound() {
        assertThat(SessionGuarantees.check(history(
                        write(1, 0, 1), write(2, 2, 3), mine(Kind.READ, 2, 0, 4, 5), mine(Kind.READ, 1, 0, 6, 7))))
                .extracting(Violation::check)
                .containsExactly(SessionGuarantees.MONOTONIC_READS);
    }

    @Test
    void sessions_unknownWriteSeenThenGone_isFound() {
        assertThat(SessionGuarantees.check(
                        history(write(1, 0, 1), lost(2, 2), mine(Kind.READ, 2, 0, 4, 5), mine(Kind.READ, 1, 0, 6, 7))))
                .hasSize(1);
    }

    @Test
    void sessions_rowSeenThenNothing_isFoundUnlessDeleted() {
        assertThat(SessionGuarantees.check(
                        history(write(1, 0, 1), mine(Kind.READ, 1, 0, 4, 5), mine(Kind.READ, 0, 0, 6, 7))))
                .hasSize(1);
        assertThat(SessionGuarantees.check(history(
                        write(1, 0, 1), mine(Kind.READ, 1, 0, 4, 5), delete(2, 9), mine(Kind.READ, 0, 0, 6, 7))))
                .isEmpty();
    }

    @Test
    void sessions_secondWriteBelowFirst_isFound() {
        assertThat(SessionGuarantees.check(history(mine(Kind.WRITE, 1, 10, 0, 1), mine(Kind.WRITE, 2, 8, 2, 3))))
                .extracting(Violation::check)
                .containsExactly(SessionGuarantees.MONOTONIC_WRITES);
    }

    @Test
    void sessions_writeBelowWhatWasRead_isFound() {
        assertThat(SessionGuarantees.check(
                        history(versioned(1, 10, 0, 1), mine(Kind.READ, 1, 10, 2, 3), mine(Kind.WRITE, 2, 8, 4, 5))))
                .extracting(Violation::check)
                .containsExactly(SessionGuarantees.WRITES_FOLLOW_READS);
    }

    @Test
    void sessions_allInOrder_isFine() {
        assertThat(SessionGuarantees.check(history(
                        versioned(1, 10, 0, 1),
                        mine(Kind.READ, 1, 10, 2, 3),
                        mine(Kind.WRITE, 2, 12, 4, 5),
                        mine(Kind.READ, 2, 12, 6, 7))))
                .isEmpty();
    }

    @Test
    void provenance_valueOfAnotherKeyOrOfAFailedWrite_isFound() {
        assertThat(Provenance.noValueFromNowhere(history(read(4, 0, 1)))).hasSize(1);
        assertThat(Provenance.noValueFromNowhere(history(failed(4, 0, 1), read(4, 2, 3))))
                .hasSize(1);
        assertThat(Provenance.noValueFromNowhere(history(lost(4, 0), read(4, 2, 3))))
                .isEmpty();
    }

    @Test
    void provenance_deletedValueRead_isFoundUnlessWrittenAgainOrConcurrent() {
        assertThat(Provenance.nothingComesBack(history(write(1, 0, 1), delete(2, 3), read(1, 4, 5))))
                .hasSize(1);
        assertThat(Provenance.nothingComesBack(history(write(1, 0, 3), delete(2, 3), read(1, 4, 5))))
                .isEmpty();
        assertThat(Provenance.nothingComesBack(history(write(1, 0, 1), delete(2, 3), write(2, 4, 5), read(2, 6, 7))))
                .isEmpty();
    }

    @Test
    void provenance_lastValueOlderThanAnAcknowledgedOne_isFoundUnlessExcused() {
        History history = history(write(1, 0, 1), write(2, 2, 3));

        assertThat(Provenance.noAcknowledgedWriteLost(history, Map.of("k", 1L), Set.of()))
                .hasSize(1);
        assertThat(Provenance.noAcknowledgedWriteLost(history, Map.of(), Set.of()))
                .hasSize(2);
        assertThat(Provenance.noAcknowledgedWriteLost(history, Map.of("k", 1L), Set.of(2L)))
                .isEmpty();
        assertThat(Provenance.noAcknowledgedWriteLost(history, Map.of("k", 2L), Set.of()))
                .isEmpty();
        assertThat(Provenance.noAcknowledgedWriteLost(history(write(1, 0, 1), delete(2, 3)), Map.of("k", 1L), Set.of()))
                .hasSize(1);
    }

    @Test
    void versionOrder_versionFallsOrStays_isFoundOverADeleteIfAsked() {
        assertThat(Copies.versionOrder(List.of(commit(4, 1, 0), commit(2, 2, 0))))
                .hasSize(1);
        assertThat(Copies.versionOrder(List.of(commit(4, 1, 0), commit(4, 1, 0))))
                .hasSize(1);
        List<Commit> insertedAgain = List.of(commit(4, 1, 0), commit(0, 0, 0), commit(2, 2, 0));
        assertThat(Copies.versionOrder(insertedAgain)).isEmpty();
        assertThat(Copies.versionOrderOverDeletes(insertedAgain)).hasSize(1);
        assertThat(Copies.versionOrder(
                        List.of(commit(2, 1, 0), commit(0, 0, 0), commit(4, 2, 0), new Commit("j", 2, 1, 0, 0))))
                .isEmpty();
    }

    @Test
    void fencing_olderEpochWritesAfterNewer_isFound() {
        assertThat(Copies.fencing(List.of(commit(2, 1, 1), commit(4, 2, 2), commit(6, 3, 0), commit(8, 4, 2))))
                .isEmpty();
        assertThat(Copies.fencing(List.of(commit(2, 1, 1), commit(4, 2, 2), commit(6, 3, 1))))
                .hasSize(1);
        assertThat(Copies.fencing(List.of(commit(2, 1, -1)))).hasSize(1);
    }

    @Test
    void convergence_copyDiffers_isFound() {
        assertThat(Copies.convergence(Map.of("k", 1L), Map.of("near", Map.of("k", 1L, "j", 0L))))
                .isEmpty();
        assertThat(Copies.convergence(Map.of("k", 1L), Map.of("near", Map.of("k", 2L, "j", 3L))))
                .hasSize(2);
    }

    @Test
    void conservation_writeMissing_isFound() {
        assertThat(Copies.conservation(Map.of(0, new Counts(5, 1, 1, 1, 1, 1)))).isEmpty();
        assertThat(Copies.conservation(Map.of(0, new Counts(5, 1, 1, 1, 0, 1)))).hasSize(1);
    }

    private static Commit commit(long version, long value, long epoch) {
        return new Commit("k", version, value, 0, epoch);
    }
}
