package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
    @TempDir
    private Path folder;

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
