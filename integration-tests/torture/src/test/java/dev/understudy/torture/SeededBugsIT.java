package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
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

/**
 * Each bug that is put into the processes on purpose is seen by the torture run, and nothing without it: {@code -Dtorture.runs} runs of at
 * most a minute each from seed {@code -Dtorture.from} on, of all bugs or of {@code -Dtorture.bugs}.
 */
class SeededBugsIT {
    private static final Duration ROUND = Duration.ofSeconds(5);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration CONTROL = Duration.ofSeconds(20);

    @TempDir
    private Path folder;

    static Stream<Arguments> bugs() {
        String chosen = System.getProperty("torture.bugs", "");
        return Stream.of(Seeded.values())
                .filter(bug -> bug != Seeded.NONE)
                .filter(bug ->
                        chosen.isEmpty() || List.of(chosen.split(",", -1)).contains(bug.name()))
                .flatMap(bug -> seeds().mapToObj(seed -> Arguments.of(bug, seed)));
    }

    static LongStream seeds() {
        long from = Long.getLong("torture.from", 1);
        return LongStream.range(from, from + Long.getLong("torture.runs", 1));
    }

    /** Rounds until something is seen, at most for that time from the first call on; answers how long it took. */
    private static Duration run(Torture torture, Duration limit) throws SQLException {
        long begin = System.nanoTime();
        while (torture.violations().isEmpty() && System.nanoTime() - begin < limit.toNanos()) {
            torture.round(ROUND);
        }
        return Duration.ofNanos(System.nanoTime() - begin);
    }

    @ParameterizedTest
    @MethodSource("bugs")
    void bug_inTheProcesses_isSeenWithinAMinute(Seeded bug, long seed) throws SQLException {
        try (Torture torture = new Torture(folder, seed, bug.kinds(), bug, new CrashTurn(bug.points()), bug.mix())) {
            Duration taken = run(torture, LIMIT);
            System.out.println("seeded " + bug + ", seed " + seed + ": "
                    + torture.violations().size() + " violations after " + taken.toSeconds() + " s");
            assertThat(torture.violations()).isNotEmpty();
            assertThat(taken).isLessThanOrEqualTo(LIMIT);
        }
    }

    @ParameterizedTest
    @MethodSource("seeds")
    void noBug_underTheSameFaults_nothingIsSeen(long seed) throws IOException, SQLException {
        for (Seeded bug : List.of(
                Seeded.NONE,
                Seeded.NO_MARKER,
                Seeded.NO_VERSION_GUARD,
                Seeded.APPLIED_BEFORE_COMMIT,
                Seeded.NO_WRITE_ID,
                Seeded.DELETES_BEFORE_PUTS,
                Seeded.FILLED_WITHOUT_LEASE)) {
            CrashTurn points = new CrashTurn(bug.points());
            // Journals of an earlier run are not of this one's history.
            Path own = Files.createDirectory(folder.resolve(bug.name()));
            try (Torture torture = new Torture(own, seed, bug.kinds(), Seeded.NONE, points, bug.mix())) {
                Duration taken = run(torture, CONTROL);
                System.out.println("not seeded, faults of " + bug + ", seed " + seed + ": "
                        + torture.violations().size() + " violations in " + taken.toSeconds() + " s");
                assertThat(torture.violations()).isEmpty();
            }
        }
    }
}
