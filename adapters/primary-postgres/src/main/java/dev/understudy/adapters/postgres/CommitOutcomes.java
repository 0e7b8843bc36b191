package dev.understudy.adapters.postgres;

import dev.understudy.model.Outcome;
import dev.understudy.spi.PrimaryFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What became of transactions whose COMMIT got no answer: the server is asked for them by the name that it gave them. Thread-safe.
 *
 * <p>A name is good on one timeline only: a standby that was promoted gives the names that it had not heard of to other
 * transactions. So the timeline is remembered, and after a change of it the outcome stays unknown. Source: Postgres
 * documentation, "Transaction ID and Snapshot Information Functions", {@code pg_xact_status}.
 */
final class CommitOutcomes {
    private static final Logger LOG = LoggerFactory.getLogger(CommitOutcomes.class);
    private static final long PAUSE_NANOS = 5_000_000;
    private static final String TIMELINE = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)";
    private static final String STATUS =
            "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8), pg_xact_status(?::xid8)";

    private volatile String timeline = "";

    /** The timeline that the server was on when it was last asked; empty if it does not say. */
    String timeline() {
        return timeline;
    }

    /** Asks for the timeline; a server that does not say leaves unknown outcomes unknown. */
    void learn(Connection connection) {
        StringBuilder found = new StringBuilder();
        try {
            new Script().read(TIMELINE, row -> found.append(row.getString(1))).run(connection);
        } catch (SQLException e) {
            LOG.info("the primary does not tell its timeline: lost commits stay unknown ({})", Failures.describe(e));
        }
        timeline = found.toString();
    }

    /**
     * Asks until the server knows, or until the deadline.
     *
     * @param before the timeline from before the transaction
     * @return {@code APPLIED}, {@code NOT_APPLIED} or {@code UNKNOWN}
     */
    Outcome resolve(String transactionId, String before, ConnectionSource source, Deadline deadline) {
        while (!before.isEmpty() && deadline.nanosLeft() > 0) {
            try {
                Optional<Outcome> outcome = look(transactionId, before, source, deadline);
                if (outcome.isPresent()) {
                    return outcome.get();
                }
            } catch (PrimaryFailure e) {
                // Not reachable yet: asked again.
                LOG.debug("the outcome of a commit cannot be asked for yet: {}", e.getMessage());
            }
            LockSupport.parkNanos(this, PAUSE_NANOS);
            if (Thread.currentThread().isInterrupted()) {
                break;
            }
        }
        return Outcome.UNKNOWN;
    }

    private Optional<Outcome> look(String transactionId, String before, ConnectionSource source, Deadline deadline) {
        String[] found = new String[] {"", ""};
        try (Connection connection = source.connect(deadline, () -> {})) {
            int networkTimeout = connection.getNetworkTimeout();
            boolean autoCommit = connection.getAutoCommit();
            connection.setAutoCommit(true);
            connection.setNetworkTimeout(Runnable::run, Math.max(1, deadline.millisLeft()));
            new Script()
                    .read(
                            STATUS,
                            row -> {
                                found[0] = row.getString(1);
                                found[1] = Optional.ofNullable(row.getString(2)).orElse("");
                            },
                            transactionId)
                    .run(connection);
            connection.setAutoCommit(autoCommit);
            connection.setNetworkTimeout(Runnable::run, networkTimeout);
        } catch (SQLException e) {
            throw Failures.ofConnecting(e);
        }
        if (!found[0].equals(before)) {
            timeline = found[0];
            return Optional.of(Outcome.UNKNOWN);
        }
        return switch (found[1]) {
            case "committed" -> Optional.of(Outcome.APPLIED);
            case "aborted" -> Optional.of(Outcome.NOT_APPLIED);
            case "in progress" -> Optional.empty();
            default -> Optional.of(Outcome.UNKNOWN);
        };
    }
}
