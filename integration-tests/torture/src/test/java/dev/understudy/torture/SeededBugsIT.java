package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each bug that is put into the processes on purpose is seen by the torture run: {@code -Dtorture.runs} runs of at most a minute each. */
class SeededBugsIT {
    private static final Duration ROUND = Duration.ofSeconds(8);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final List<FaultKind> KINDS = List.of(
            FaultKind.PROCESS_CRASHED,
            FaultKind.PROCESS_FROZEN,
            FaultKind.POSTGRES_LOCKED,
            FaultKind.NETWORK_HALF_OPEN,
            FaultKind.NETWORK_SLOW);

    @TempDir
    private Path folder;

    static Stream<Arguments> bugs() {
        return Stream.of(Seeded.values())
                .filter(bug -> bug != Seeded.NONE)
                .flatMap(bug -> LongStream.rangeClosed(1, Long.getLong("torture.runs", 1))
                        .mapToObj(seed -> Arguments.of(bug, seed)));
    }

    @ParameterizedTest
    @MethodSource("bugs")
    void bug_inTheProcesses_isSeen(Seeded bug, long seed) throws SQLException {
        long begin = System.nanoTime();
        try (Torture torture = new Torture(folder, seed, KINDS, bug)) {
            while (torture.violations().isEmpty() && System.nanoTime() - begin < LIMIT.toNanos()) {
                torture.round(ROUND);
            }
            System.out.println("seeded " + bug + ", seed " + seed + ": "
                    + torture.violations().size() + " violations after " + (System.nanoTime() - begin) / 1_000_000_000
                    + " s");
            assertThat(torture.violations()).isNotEmpty();
        }
    }
}
