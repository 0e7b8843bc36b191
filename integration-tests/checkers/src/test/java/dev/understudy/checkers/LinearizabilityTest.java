package dev.understudy.checkers;

import static dev.understudy.checkers.Calls.delete;
import static dev.understudy.checkers.Calls.failed;
import static dev.understudy.checkers.Calls.history;
import static dev.understudy.checkers.Calls.lost;
import static dev.understudy.checkers.Calls.read;
import static dev.understudy.checkers.Calls.replace;
import static dev.understudy.checkers.Calls.write;
import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinearizabilityTest {
    @Test
    void check_newReadAfterWrite_isFine() {
        assertThat(Linearizability.check(history(write(1, 0, 2), read(1, 3, 4))))
                .isEmpty();
    }

    @Test
    void check_oldReadAfterWrite_isFound() {
        assertThat(Linearizability.check(history(write(1, 0, 2), write(2, 3, 4), read(1, 5, 6))))
                .hasSize(1);
    }

    @Test
    void check_nothingAfterWrite_isFound() {
        assertThat(Linearizability.check(history(write(1, 0, 2), read(0, 3, 4))))
                .hasSize(1);
    }

    @Test
    void check_twoReadsAroundConcurrentWriteInWrongOrder_isFound() {
        assertThat(Linearizability.check(history(write(1, 0, 1), write(2, 2, 9), read(2, 3, 4), read(1, 5, 6))))
                .hasSize(1);
    }

    @Test
    void check_unknownWriteSeenLate_isFine() {
        assertThat(Linearizability.check(history(write(1, 0, 1), lost(2, 2), read(1, 3, 4), read(2, 50, 60))))
                .isEmpty();
    }

    @Test
    void check_unknownWriteSeenAndGoneAgain_isFound() {
        assertThat(Linearizability.check(history(write(1, 0, 1), lost(2, 2), read(2, 3, 4), read(1, 5, 6))))
                .hasSize(1);
    }

    @Test
    void check_failedWriteSeen_isFound() {
        assertThat(Linearizability.check(history(failed(1, 0, 1), read(1, 3, 4))))
                .hasSize(1);
    }

    @Test
    void check_valueReadBeforeItsWrite_isFound() {
        assertThat(Linearizability.check(history(read(1, 0, 1), write(1, 2, 3))))
                .hasSize(1);
    }

    @Test
    void check_deletedValueComesBack_isFound() {
        assertThat(Linearizability.check(history(write(1, 0, 1), delete(2, 3), read(1, 4, 5))))
                .hasSize(1);
    }

    @Test
    void check_secondInsertAfterDelete_isFine() {
        assertThat(Linearizability.check(
                        history(write(1, 0, 1), delete(2, 3), read(0, 4, 5), write(2, 6, 7), read(2, 8, 9))))
                .isEmpty();
    }

    @Test
    void check_twoReplacementsOfOneValue_isFound() {
        assertThat(Linearizability.check(history(write(1, 0, 1), replace(1, 2, 2, 5), replace(1, 3, 2, 5))))
                .hasSize(1);
    }

    @Test
    void check_staleReadAmidManyWrites_namesTheKeyAndShowsCalls() {
        List<Violation> violations =
                Linearizability.check(history(write(1, 0, 1), write(2, 2, 3), write(3, 4, 5), read(2, 6, 7)));

        assertThat(violations).hasSize(1);
        assertThat(violations.get(0).toString()).contains("linearizability of k", "read STRONG -> 2");
    }

    @ParameterizedTest
    @CsvSource({"writes, 20000", "deletes, 20000", "replacements, 20000", "everything, 40000"})
    void check_randomSmallHistories_agreesWithExhaustiveSearch(String what, int histories) {
        Random random = new Random(what.hashCode());
        int broken = 0;
        for (int i = 0; i < histories; i++) {
            List<Operation> operations = random(random, what);
            boolean expected = BruteForce.isLinearizable(operations);
            boolean actual = Linearizability.checkKey(Calls.KEY, operations).isEmpty();
            assertThat(actual).as("%s", operations).isEqualTo(expected);
            broken += expected ? 0 : 1;
        }
        assertThat(broken).as("both verdicts occur").isBetween(histories / 20, histories * 19 / 20);
    }

    /** Two to eight calls of three callers, so that about half of the histories are linearizable. */
    private static List<Operation> random(Random random, String what) {
        int size = 2 + random.nextInt(7);
        int spread = 4 + random.nextInt(16);
        List<Operation> operations = new ArrayList<>();
        long next = 1;
        for (int i = 0; i < size; i++) {
            long from = random.nextInt(spread);
            long to = from + random.nextInt(6);
            boolean isUnknown = random.nextInt(5) == 0;
            Outcome outcome = isUnknown ? Outcome.UNKNOWN : Outcome.OK;
            long end = isUnknown ? Operation.NEVER : to;
            int dice = random.nextInt(10);
            if (dice < 5) {
                operations.add(read(random.nextInt((int) next + 1), from, to));
            } else if (dice < 7 && (what.equals("deletes") || what.equals("everything"))) {
                operations.add(Calls.call("", Kind.DELETE, Level.STRONG, 0, 0, Operation.ANY, 0, from, end, outcome));
            } else if (dice < 8 && (what.equals("replacements") || what.equals("everything"))) {
                long base = random.nextInt((int) next);
                operations.add(Calls.call("", Kind.WRITE, Level.STRONG, 0, next++, base, 0, from, end, outcome));
            } else {
                operations.add(
                        Calls.call("", Kind.WRITE, Level.STRONG, 0, next++, Operation.ANY, 0, from, end, outcome));
            }
        }
        return operations;
    }

    @Test
    void zonesAndConfigurations_historiesWithoutDeletes_agree() {
        Random random = new Random(7);
        for (int i = 0; i < 20_000; i++) {
            List<Operation> closed = Linearizability.withEnds(random(random, "writes"));
            boolean areFromSomewhere = closed.stream()
                    .allMatch(read -> read.value() == 0
                            || closed.stream()
                                    .anyMatch(write -> write.kind() == Kind.WRITE
                                            && write.value() == read.value()
                                            && write.invoked() <= read.responded()));
            if (areFromSomewhere) {
                assertThat(Zones.check(Calls.KEY, closed).isEmpty())
                        .as("%s", closed)
                        .isEqualTo(Configurations.check(Calls.KEY, closed).isEmpty());
            }
        }
    }

    @Test
    void check_aHundredThousandCalls_takesWellUnderASecondOfTheTestsTime() {
        List<Operation> operations = new ArrayList<>();
        for (int i = 1; i <= 50_000; i++) {
            operations.add(write(i, i * 10L, i * 10L + 7));
            operations.add(read(i, i * 10L + 3, i * 10L + 9));
        }
        operations.add(delete(900_000, 900_001));

        assertThat(Linearizability.check(History.of(operations))).isEmpty();
        operations.add(read(17, 900_002, 900_003));
        assertThat(Linearizability.check(History.of(operations))).hasSize(1);
    }
}
