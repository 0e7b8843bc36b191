package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.checkers.Violation;
import dev.understudy.servers.TcpProxy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the processes of {@link NearRun} serve is as new as they say. {@code -Dtorture.reads} reads at least, {@code -Dtorture.seed}. */
class NearReplicaIT {
    private static final int SHOWN = 5;

    @TempDir
    private Path folder;

    private NearRun run() throws SQLException {
        return new NearRun(folder, Long.getLong("torture.seed", 1), System.getProperty("java.class.path"));
    }

    private static void assertNothing(NearRun.Wrong wrong, long round) throws IOException {
        Files.write(
                Path.of("target", "near-" + round + ".txt"),
                wrong.violations().stream().map(Violation::toString).toList());
        assertThat(wrong.violations().stream().limit(SHOWN))
                .as("round %s", round)
                .isEmpty();
        assertThat(wrong.unequalCopies())
                .as("near copies after two pulls, round %s", round)
                .isEmpty();
    }

    @Test
    void announcements_lostLateTwiceAndCut_nothingIsOlderThanSaid() throws IOException, SQLException {
        try (NearRun run = run()) {
            while (run.reads() < Long.getLong("torture.reads", 10_000)) {
                assertNothing(run.roundOfFaults(), run.rounds());
            }
            System.out.println("near: " + run.reads() + " reads in " + run.rounds() + " rounds, "
                    + run.sum(TcpProxy::lost) + " announcements lost, " + run.sum(TcpProxy::late) + " late, "
                    + run.sum(TcpProxy::twice) + " twice, " + run.nearHits() + " near hits");
            assertThat(run.sum(TcpProxy::lost)).isPositive();
            assertThat(run.sum(TcpProxy::late)).isPositive();
            assertThat(run.sum(TcpProxy::twice)).isPositive();
            assertThat(run.nearHits()).isPositive();
        }
    }

    @Test
    void announcements_allLost_nothingIsOlderThanSaid() throws IOException, SQLException {
        try (NearRun run = run()) {
            assertNothing(run.roundWithoutMessages(Instance.MAX_STALENESS.multipliedBy(2)), run.rounds());
            assertThat(run.sum(TcpProxy::lost)).isPositive();
            assertThat(run.nearHits()).isPositive();
        }
    }
}
