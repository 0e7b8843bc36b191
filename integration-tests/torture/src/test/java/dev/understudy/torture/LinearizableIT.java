package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Reads and writes from three processes that end themselves at each step of a write-through in turn, that freeze, and whose entries are
 * evicted and expire: rounds until there were {@code -Dlinear.operations} and {@code -Dlinear.deaths} at each step.
 */
class LinearizableIT {
    private static final Duration SHORT_ROUND = Duration.ofSeconds(8);
    private static final Duration LONG_ROUND = Duration.ofSeconds(45);
    /** From here on the shares are more than chance. */
    private static final int MANY = 20_000;

    private static final List<FaultKind> KINDS = List.of(
            FaultKind.PROCESS_CRASHED,
            FaultKind.PROCESS_CRASHED,
            FaultKind.PROCESS_CRASHED,
            FaultKind.PROCESS_FROZEN,
            FaultKind.ENTRIES_EVICTED);

    private final int operations = Integer.getInteger("linear.operations", 2_000);
    private final int deaths = Integer.getInteger("linear.deaths", 1);
    private final long seed = Long.getLong("torture.seed", 1);

    @TempDir
    private Path folder;

    private boolean isEnough(Torture torture) {
        Map<CrashPoint, Integer> died = torture.deaths();
        return torture.operations() >= operations
                && CrashPoint.ofAWriteThrough().stream().allMatch(point -> died.getOrDefault(point, 0) >= deaths);
    }

    @Test
    void strongReads_whileWritersDieAtEachStep_areLinearizable() throws SQLException {
        long begin = System.nanoTime();
        CrashTurn points = new CrashTurn(CrashPoint.ofAWriteThrough());
        try (Torture torture = new Torture(folder, seed, KINDS, Seeded.NONE, points, Caller.Mix.ALL)) {
            while (torture.violations().isEmpty() && !isEnough(torture)) {
                torture.round(operations >= MANY ? LONG_ROUND : SHORT_ROUND);
            }
            System.out.println("linearizable: " + torture.operations() + " operations in "
                    + (System.nanoTime() - begin) / 1_000_000_000 + " s, "
                    + percent(torture.writes(), torture.operations()) + " % writes, "
                    + percent(torture.strongReads(), torture.operations()) + " % strong reads, "
                    + percent(torture.unknown(), torture.writes()) + " % of the writes of unknown outcome, faults "
                    + torture.faults() + ", deaths " + torture.deaths() + ", "
                    + torture.violations().size() + " violations, seed " + seed);
            assertThat(torture.violations()).isEmpty();
            if (operations >= MANY) {
                assertThat(percent(torture.writes(), torture.operations())).isGreaterThanOrEqualTo(30);
                assertThat(percent(torture.strongReads(), torture.operations())).isGreaterThanOrEqualTo(20);
                assertThat(percent(torture.unknown(), torture.writes())).isLessThanOrEqualTo(5);
            }
        }
    }

    private static double percent(long part, long whole) {
        return Math.round(1_000.0 * part / Math.max(1, whole)) / 10.0;
    }
}
