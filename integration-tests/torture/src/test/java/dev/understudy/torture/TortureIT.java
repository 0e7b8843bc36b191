package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Load under faults of all kinds, or of those that {@code -Dtorture.kinds} lists: {@code -Dtorture.seconds}, {@code -Dtorture.seed}. */
class TortureIT {
    private static final Duration ROUND = Duration.ofSeconds(12);
    /** Of a run that is long enough for several: less of it is spent on looking than on calls. */
    private static final Duration LONG_ROUND = Duration.ofSeconds(24);

    private static final int SEVERAL = 300;
    private static final int LONG_RUN = 1_200;

    private final int seconds = Integer.getInteger("torture.seconds", 60);
    private final long seed = Long.getLong("torture.seed", 1);
    private final String kinds = System.getProperty("torture.kinds", "");

    @TempDir
    private Path folder;

    private List<FaultKind> kinds() {
        return kinds.isEmpty()
                ? List.of(FaultKind.values())
                : Arrays.stream(kinds.split(",", -1)).map(FaultKind::valueOf).toList();
    }

    @Test
    void load_underFaults_keepsEveryPromise() throws SQLException {
        long end = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        try (Torture torture = new Torture(folder, seed, kinds(), Seeded.NONE)) {
            while (System.nanoTime() < end) {
                torture.round(seconds >= SEVERAL ? LONG_ROUND : ROUND);
            }
            System.out.println(torture.details());
            System.out.println(torture.line());
            assertThat(torture.violations()).isEmpty();
            assertThat(torture.faults()).isNotEmpty();
            if (seconds >= LONG_RUN) {
                assertThat(torture.operations()).isGreaterThanOrEqualTo(1_000_000);
                for (FaultKind kind : kinds()) {
                    assertThat(torture.faults().getOrDefault(kind, 0))
                            .as("%s", kind)
                            .isGreaterThanOrEqualTo(10);
                }
            }
        }
    }
}
