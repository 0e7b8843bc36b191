package dev.understudy.torture;

import dev.understudy.spi.FaultySharedReplica;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.AppliedChange;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Ends this process at one point, as SIGKILL would: no hook runs, nothing is flushed. Thread-safe. */
final class Crash {
    private volatile CrashPoint point;
    private volatile @Nullable FaultySharedReplica watched;
    private final BooleanSupplier isDue;
    private final Journal journal;

    /**
     * A crash to come.
     *
     * @param isDue whether enough was done before
     */
    Crash(CrashPoint point, BooleanSupplier isDue, Journal journal) {
        this.point = point;
        this.isDue = isDue;
        this.journal = journal;
    }

    /** From now on the process ends at that point. */
    void arm(CrashPoint next) {
        FaultySharedReplica replica = watched;
        if (replica != null) {
            watchTold(replica, next);
        }
        point = next;
    }

    /** Only where it is to end the process: records drained go one by one to a replica that is watched for them. */
    private void watchTold(FaultySharedReplica replica, CrashPoint next) {
        if (next == CrashPoint.DRAIN_TOLD) {
            replica.every(SharedCommand.Drained.class, Fault.after(() -> at(CrashPoint.DRAIN_TOLD)));
        }
    }

    /** Has the calls to the shared replica tell where the process is. */
    void watch(FaultySharedReplica replica) {
        replica.every(
                SharedCommand.Peek.class,
                (call, send) -> send.get().thenApply(reply -> {
                    if (!((List<?>) reply).isEmpty()) {
                        at(CrashPoint.DRAIN_PEEKED);
                    }
                    return reply;
                }));
        watched = replica;
        watchTold(replica, point);
        replica.every(SharedCommand.Prepare.class, (call, send) -> {
            at(CrashPoint.THROUGH_BEFORE_PREPARE);
            return send.get().thenApply(reply -> {
                at(CrashPoint.THROUGH_PREPARED);
                return reply;
            });
        });
        replica.every(
                SharedCommand.Apply.class,
                (call, send) -> send.get().thenApply(reply -> {
                    if (((SharedCommand.Apply) call).change() != AppliedChange.ABORTED) {
                        at(CrashPoint.THROUGH_APPLIED);
                    }
                    return reply;
                }));
    }

    /** The process is at that point; does not return if it is to end there. */
    void at(CrashPoint here) {
        if (here == point && isDue.getAsBoolean()) {
            journal.died(here);
            Runtime.getRuntime().halt(137);
        }
    }
}
