package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.checkers.Provenance;
import dev.understudy.checkers.Violation;
import dev.understudy.torture.Cycles.Figures;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Workers that are killed: {@code -Dtorture.cycles}, 3 unless told, {@code -Dtorture.seed}. */
class KillCyclesIT {
    private static final int WORKERS = 3;
    private static final int LONG_RUN = 50;

    private final int cycles = Integer.getInteger("torture.cycles", 3);
    private final long seed = Long.getLong("torture.seed", 1);

    @TempDir
    private Path folder;

    private static List<CrashPoint> points(int cycle) {
        List<CrashPoint> all = CrashPoint.ofTheDrain();
        List<CrashPoint> points = new ArrayList<>();
        for (int i = 0; i < WORKERS; i++) {
            points.add(all.get((cycle * WORKERS + i) % all.size()));
        }
        return points;
    }

    @Test
    void writeBacks_ofWorkersKilledInsideTheDrain_areNeverLostNorReordered() throws SQLException, IOException {
        try (Cycles run = new Cycles(folder, seed)) {
            long start = System.nanoTime();
            for (int cycle = 0; cycle < cycles; cycle++) {
                run.run(points(cycle), Seeded.NONE);
            }
            Figures figures = run.figures();
            List<Violation> violations = run.violations();
            System.out.printf(
                    "kill cycles: %d violations, %d s, seed %d, %s%n",
                    violations.size(), (System.nanoTime() - start) / 1_000_000_000, seed, figures);
            assertThat(violations).isEmpty();
            assertThat(figures.deaths().values().stream()
                            .mapToInt(Integer::intValue)
                            .sum())
                    .isEqualTo(cycles * WORKERS);
            if (cycles >= LONG_RUN) {
                assertThat(figures.acked()).isGreaterThanOrEqualTo(200_000);
                CrashPoint.ofTheDrain()
                        .forEach(point -> assertThat(figures.deaths().getOrDefault(point, 0))
                                .as("deaths at %s", point)
                                .isGreaterThanOrEqualTo(20));
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = Seeded.class,
            names = {"ROWS_DROPPED", "COMMIT_LOST"})
    void seededBug_inTheDrain_isSeenAfterOneCycle(Seeded bug) throws SQLException, IOException {
        try (Cycles run = new Cycles(folder, seed)) {
            run.run(List.of(CrashPoint.DRAIN_WRITTEN), bug);
            assertThat(run.violations()).extracting(Violation::check).contains(Provenance.LOST);
        }
    }
}
