package dev.understudy.engine;

import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Outcome;
import dev.understudy.model.Tier;
import dev.understudy.spi.SharedReplicaFailure;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import java.time.Duration;

/** Waiting until nothing is pending, drained here or by another instance. */
final class EmptyWait {
    private static final long NOT_SEEN = -1;
    private static final Duration LOOK = Duration.ofMillis(5);
    private static final Duration LAST_LOOK = Duration.ofMillis(50);

    private EmptyWait() {}

    /**
     * Waits until the deadline; answers how many entries were left when it looked last.
     *
     * @param hint has the own drain go on at once
     */
    static long await(CacheContext<?, ?> context, Runnable hint, Deadline deadline) {
        long left = NOT_SEEN;
        for (Duration pause = LOOK; ; pause = longer(pause)) {
            try {
                left = Replies.await(context.shared.pending(), deadline).stream()
                        .mapToLong(Long::longValue)
                        .sum();
            } catch (SharedReplicaFailure e) {
                // A late answer, or none while the replica is away, says nothing of the queue: asked again.
                boolean isAway = e.reason() == Reason.NO_ANSWER || e.reason() == Reason.NOT_SENT;
                if (!isAway || (left == NOT_SEEN && deadline.isPast())) {
                    throw Replies.shared(e, Outcome.NOT_APPLIED);
                }
            }
            if (left == 0) {
                return left;
            }
            hint.run();
            boolean isOver = !deadline.rest(pause);
            if (Thread.currentThread().isInterrupted()) {
                throw new DeadlineExceeded("interrupted", null, Tier.SHARED, Outcome.NOT_APPLIED);
            }
            if (isOver && left != NOT_SEEN) {
                return left;
            }
        }
    }

    /** A tenth more, so that the looks at a long queue do not take the time of those who drain it. */
    private static Duration longer(Duration pause) {
        Duration next = pause.plus(pause.dividedBy(10));
        return next.compareTo(LAST_LOOK) < 0 ? next : LAST_LOOK;
    }
}
