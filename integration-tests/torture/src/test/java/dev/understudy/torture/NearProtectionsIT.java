package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each protection of the near replica that is taken out of the processes is missed by the checks of {@link NearRun}, in rounds of at most two
 * minutes altogether: those of {@code -Dtorture.protections}, all if that is empty.
 */
class NearProtectionsIT {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    @TempDir
    private Path folder;

    static Stream<NearProtection> protections() {
        String chosen = System.getProperty("torture.protections", "");
        return Stream.of(NearProtection.values())
                .filter(protection ->
                        chosen.isEmpty() || List.of(chosen.split(",", -1)).contains(protection.name()));
    }

    @ParameterizedTest
    @MethodSource("protections")
    void protection_takenOutOfTheProcesses_isMissed(NearProtection protection) throws IOException, SQLException {
        String classPath = protection.classPathWithout(folder);
        try (NearRun run = new NearRun(folder, Long.getLong("torture.seed", 1), classPath)) {
            long begin = System.nanoTime();
            NearRun.Wrong wrong = run.roundWithoutMessages(Instance.MAX_STALENESS.multipliedBy(2));
            while (wrong.isNothing() && System.nanoTime() - begin < LIMIT.toNanos()) {
                wrong = run.roundOfFaults();
            }
            System.out.println("without " + protection + ": "
                    + wrong.violations().size() + " violations, "
                    + wrong.unequalCopies().size() + " unequal copies, after "
                    + Duration.ofNanos(System.nanoTime() - begin).toSeconds() + " s and " + run.reads() + " reads");
            assertThat(wrong.isNothing()).as("nothing was missed").isFalse();
        }
    }
}
