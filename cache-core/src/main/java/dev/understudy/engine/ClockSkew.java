package dev.understudy.engine;

import dev.understudy.spi.Clock;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far the primary's clock is ahead of the shared replica's: markers end by the one, and a commit past its marker is refused by the other.
 * Thread-safe.
 *
 * <p>Each server is asked for its time; what is between asking and the answer is not known, so half of both waits is the error of the
 * difference; of three answers of each the quickest counts. Source: F. Cristian, "Probabilistic Clock Synchronization", 1989.
 */
public final class ClockSkew {
    /** Above it the difference is alerted: a warning when it begins and when it ends. */
    private static final Duration LIMIT = Duration.ofMillis(100);

    private static final Logger LOG = LoggerFactory.getLogger(ClockSkew.class);
    private static final Duration PATIENCE = Duration.ofSeconds(1);

    private final SharedReplica replica;
    private final Primary primary;
    private final Clock clock;
    private volatile Optional<Duration> last = Optional.empty();
    private final AtomicBoolean alerted = new AtomicBoolean();

    /** A difference that is not known yet. */
    public ClockSkew(SharedReplica replica, Primary primary, Clock clock) {
        this.replica = replica;
        this.primary = primary;
        this.clock = clock;
    }

    /** A server's time against this process's own, both in microseconds, and half the time that the question took. */
    private record Reading(long offset, long error) {
        static Reading of(long asked, long time, long answered) {
            long half = (answered - asked) / 2 / 1_000;
            return new Reading(time - asked / 1_000 - half, half);
        }
    }

    /** Asks the shared replica three times, for a second each, then the primary, for a second in all; keeps what is known if one does not answer. */
    public void measure() {
        try {
            Reading shared = best(shared(), shared(), shared());
            Reading server = primary.call(
                    Primary.Use.LOAD,
                    PATIENCE,
                    connection -> best(server(connection), server(connection), server(connection)));
            note(server.offset() - shared.offset(), server.error() + shared.error());
        } catch (SharedReplicaFailure | PrimaryFailure e) {
            LOG.debug("the clocks could not be compared: {}", e.getMessage());
        }
    }

    private static Reading best(Reading... readings) {
        return Arrays.stream(readings)
                .min(Comparator.comparingLong(Reading::error))
                .orElseThrow();
    }

    private Reading shared() {
        Deadline deadline = Deadline.after(clock, PATIENCE);
        long asked = clock.nanoTime();
        long time = Replies.await(replica.clockMicros(), deadline);
        return Reading.of(asked, time, clock.nanoTime());
    }

    private Reading server(PrimaryConnection connection) throws Exception {
        long asked = clock.nanoTime();
        return Reading.of(asked, primary.clockMicros(connection), clock.nanoTime());
    }

    /** An alert begins when the difference is over the limit for certain, and ends when it is certainly not. */
    private void note(long micros, long error) {
        last = Optional.of(Duration.ofNanos(micros * 1_000));
        long limit = LIMIT.toNanos() / 1_000;
        boolean begins = Math.abs(micros) - error > limit && alerted.compareAndSet(false, true);
        boolean ends = Math.abs(micros) + error <= limit && alerted.compareAndSet(true, false);
        if (begins || ends) {
            LOG.warn(
                    "the primary's clock is {} ms {} the shared replica's (+-{} ms), {} {} ms",
                    Math.abs(micros) / 1_000,
                    micros < 0 ? "behind" : "ahead of",
                    error / 1_000,
                    begins ? "over" : "again within",
                    LIMIT.toMillis());
        }
    }

    /**
     * What the last measurement says, give or take half of the time that the answers took (less than a second); positive if the primary is ahead,
     * empty if both servers have not answered yet.
     */
    public Optional<Duration> last() {
        return last;
    }

    /** Whether an alert is on. */
    boolean isAlerted() {
        return alerted.get();
    }
}
