package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.checkers.Violation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The checks on hand-made histories, good and bad. */
class ChecksTest {
    @TempDir
    private Path folder;

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

    private static Map<String, Audit.Present> row(long value, long version) {
        return Map.of("k", new Audit.Present(value, version));
    }

    private static List<String> found(List<Operation> operations, Map<String, Audit.Present> rows) {
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
        assertThat(found(List.of(write(1, 10), write(2, 12)), row(1, 10))).containsExactly(LastWrites.LOST);
    }

    @Test
    void missingRow_afterAWrite_isALoss() {
        assertThat(found(List.of(delete(10), write(1, 12)), Map.of())).containsExactly(LastWrites.LOST);
    }

    @Test
    void row_thatWasDeletedLater_cameBack() {
        assertThat(found(List.of(write(1, 10), delete(12)), row(1, 10))).containsExactly(LastWrites.RETURNED);
    }

    @Test
    void row_thatNobodyWrote_isFromNowhere() {
        assertThat(found(List.of(write(1, 10)), row(3, 12))).containsExactly(LastWrites.NOWHERE);
        assertThat(found(List.of(), row(3, 12))).containsExactly(LastWrites.NOWHERE);
        assertThat(found(List.of(call(Kind.WRITE, 3, 0, Outcome.FAIL)), row(3, 12)))
                .containsExactly(LastWrites.NOWHERE);
    }

    @Test
    void unknownCalls_mayHaveHappenedOrNot() {
        Operation unknownWrite = call(Kind.WRITE, 2, 0, Outcome.UNKNOWN);
        Operation unknownDelete = call(Kind.DELETE, Operation.NOTHING, 0, Outcome.UNKNOWN);
        assertThat(found(List.of(write(1, 10), unknownWrite), row(2, 12))).isEmpty();
        assertThat(found(List.of(write(1, 10), unknownWrite), row(1, 10))).isEmpty();
        assertThat(found(List.of(write(1, 10), unknownDelete), Map.of())).isEmpty();
        assertThat(found(List.of(write(1, 10), unknownWrite), row(2, 8))).containsExactly(LastWrites.LOST);
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
                .containsExactly(LastWrites.LOST);
        assertThat(writes.check(List.of(), row(2, 14), Map.of()))
                .extracting(Violation::check)
                .as("a write that had not come to it")
                .containsExactly(LastWrites.NOWHERE);
    }

    @Test
    void row_thatFallsBehindWhatWasFound_isALoss() {
        Operation unknownWrite = call(Kind.WRITE, 3, 0, Outcome.UNKNOWN);
        LastWrites writes = new LastWrites();
        assertThat(writes.check(List.of(write(1, 10), write(2, 12)), row(2, 12), Map.of()))
                .isEmpty();
        assertThat(writes.check(List.of(unknownWrite), row(3, 8), Map.of()))
                .extracting(Violation::check)
                .containsExactly(LastWrites.LOST);
    }

    @Test
    void deck_drawsEachCardAsOftenInAnotherOrder() {
        Deck<Integer> deck = new Deck<>(List.of(1, 2, 3, 3), new SplittableRandom(1));
        List<Integer> drawn = Stream.generate(deck::draw).limit(40).toList();
        assertThat(drawn).filteredOn(card -> card == 1).hasSize(10);
        assertThat(drawn).filteredOn(card -> card == 3).hasSize(20);
        assertThat(drawn.subList(0, 20)).isNotEqualTo(drawn.subList(20, 40));
    }

    @Test
    void journal_cutInTheMiddleOfALine_isReadUpToIt() throws IOException {
        Path path = folder.resolve("journal");
        try (Journal journal = new Journal(path)) {
            journal.invoked(List.of(
                    new Journal.Invocation(7, 1, Kind.WRITE, Level.STRONG, 3),
                    new Journal.Invocation(8, 1, Kind.DELETE, Level.STRONG, 4)));
            journal.answered(List.of(new Journal.Answer(7, Outcome.OK, 7, 12)));
            journal.died(CrashPoint.DRAIN_TOLD);
        }
        Files.writeString(path, "A 8 OK 0 1", StandardOpenOption.APPEND);
        Journal.Contents contents = Journal.read(path);
        assertThat(contents.deaths()).containsExactly(CrashPoint.DRAIN_TOLD);
        assertThat(contents.operations())
                .extracting(Operation::key, Operation::value, Operation::version, Operation::outcome)
                .containsExactly(tuple("3", 7L, 12L, Outcome.OK), tuple("4", 0L, 0L, Outcome.UNKNOWN));
    }
}
