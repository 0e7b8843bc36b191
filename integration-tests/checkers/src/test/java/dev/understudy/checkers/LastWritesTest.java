package dev.understudy.checkers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LastWritesTest {
    private static Operation call(Kind kind, long value, long version, Outcome outcome) {
        return new Operation(
                1, "", "k", kind, Level.STRONG, 0, value, Operation.ANY, version, 1, Operation.NEVER, outcome);
    }

    private static Operation write(long value, long version) {
        return call(Kind.WRITE, value, version, Outcome.OK);
    }

    private static Operation delete(long version) {
        return call(Kind.DELETE, Operation.NOTHING, version, Outcome.OK);
    }

    private static Map<String, LastWrites.Present> row(long value, long version) {
        return Map.of("k", new LastWrites.Present(value, version));
    }

    private static List<String> found(List<Operation> operations, Map<String, LastWrites.Present> rows) {
        return new LastWrites()
                .check(operations, rows, Map.of()).stream()
                        .map(Violation::check)
                        .toList();
    }

    @Test
    void newestWrite_ofTheRow_isNoViolation() {
        assertThat(found(List.of(write(1, 10), write(2, 12)), row(2, 12))).isEmpty();
        assertThat(found(List.of(write(1, 10), delete(12)), Map.of())).isEmpty();
        assertThat(found(List.of(delete(10), write(1, 12)), row(1, 12))).isEmpty();
    }

    @Test
    void olderWrite_ofTheRow_isALoss() {
        assertThat(found(List.of(write(1, 10), write(2, 12)), row(1, 10))).containsExactly(Provenance.LOST);
    }

    @Test
    void missingRow_afterAWrite_isALoss() {
        assertThat(found(List.of(delete(10), write(1, 12)), Map.of())).containsExactly(Provenance.LOST);
    }

    @Test
    void row_thatWasDeletedLater_cameBack() {
        assertThat(found(List.of(write(1, 10), delete(12)), row(1, 10))).containsExactly(Provenance.RETURNED);
    }

    @Test
    void row_thatNobodyWrote_isFromNowhere() {
        assertThat(found(List.of(write(1, 10)), row(3, 12))).containsExactly(Provenance.NOWHERE);
        assertThat(found(List.of(), row(3, 12))).containsExactly(Provenance.NOWHERE);
        assertThat(found(List.of(call(Kind.WRITE, 3, 0, Outcome.FAIL)), row(3, 12)))
                .containsExactly(Provenance.NOWHERE);
    }

    @Test
    void unknownCalls_mayHaveHappenedOrNot() {
        Operation unknownWrite = call(Kind.WRITE, 2, 0, Outcome.UNKNOWN);
        Operation unknownDelete = call(Kind.DELETE, Operation.NOTHING, 0, Outcome.UNKNOWN);
        assertThat(found(List.of(write(1, 10), unknownWrite), row(2, 12))).isEmpty();
        assertThat(found(List.of(write(1, 10), unknownWrite), row(1, 10))).isEmpty();
        assertThat(found(List.of(write(1, 10), unknownDelete), Map.of())).isEmpty();
        assertThat(found(List.of(write(1, 10), unknownWrite), row(2, 8))).containsExactly(Provenance.LOST);
    }

    @Test
    void lostWrite_thatWasReported_isExcused() {
        List<Operation> operations = List.of(write(1, 10), write(2, 12));
        assertThat(new LastWrites().check(operations, row(1, 10), Map.of("k", Set.of(12L))))
                .isEmpty();
        assertThat(new LastWrites().check(operations, row(1, 10), Map.of("k", Set.of(10L))))
                .hasSize(1);
    }

    @Test
    void unknownCalls_excuseNothing_onceTheRowsWereLookedAt() {
        Operation unknownWrite = call(Kind.WRITE, 2, 0, Outcome.UNKNOWN);
        Operation unknownDelete = call(Kind.DELETE, Operation.NOTHING, 0, Outcome.UNKNOWN);
        LastWrites writes = new LastWrites();
        assertThat(writes.check(List.of(write(1, 10), unknownWrite, unknownDelete), row(1, 10), Map.of()))
                .isEmpty();
        assertThat(writes.check(List.of(), row(1, 10), Map.of())).isEmpty();
        assertThat(writes.check(List.of(), Map.of(), Map.of()))
                .extracting(Violation::check)
                .as("a row that an earlier delete may have taken, if it had come to it")
                .containsExactly(Provenance.LOST);
        assertThat(writes.check(List.of(), row(2, 14), Map.of()))
                .extracting(Violation::check)
                .as("a write that had not come to it")
                .containsExactly(Provenance.NOWHERE);
    }

    @Test
    void row_thatFallsBehindWhatWasFound_isALoss() {
        Operation unknownWrite = call(Kind.WRITE, 3, 0, Outcome.UNKNOWN);
        LastWrites writes = new LastWrites();
        assertThat(writes.check(List.of(write(1, 10), write(2, 12)), row(2, 12), Map.of()))
                .isEmpty();
        assertThat(writes.check(List.of(unknownWrite), row(3, 8), Map.of()))
                .extracting(Violation::check)
                .containsExactly(Provenance.LOST);
    }
}
