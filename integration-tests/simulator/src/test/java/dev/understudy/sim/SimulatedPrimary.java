package dev.understudy.sim;

import dev.understudy.model.Outcome;
import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.InMemoryPrimary;
import dev.understudy.spi.Outbox;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;

/** The primary as one instance reaches it: steps around every transaction and before its commit, and faults there. */
final class SimulatedPrimary implements Primary {
    private final InMemoryPrimary primary;
    private final Scheduler scheduler;
    private final Faults faults;

    SimulatedPrimary(InMemoryPrimary primary, Scheduler scheduler, Faults faults) {
        this.primary = primary;
        this.scheduler = scheduler;
        this.faults = faults;
    }

    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        scheduler.step();
        if (faults.hits(Faults.Kind.NO_CONNECTION)) {
            throw failure(PrimaryFailure.Kind.NO_CONNECTION, "08001", Outcome.NOT_APPLIED);
        }
        T result = primary.call(use, timeout, connection -> {
            T done = work.on(connection);
            scheduler.trace("primary " + use + " = " + done);
            if (use == Use.LOAD) {
                return done;
            }
            scheduler.send();
            if (faults.hits(Faults.Kind.ROLLED_BACK)) {
                throw failure(PrimaryFailure.Kind.TRANSIENT, "40001", Outcome.NOT_APPLIED);
            }
            if (faults.hits(Faults.Kind.COMMIT_LOST)) {
                throw failure(PrimaryFailure.Kind.TRANSIENT, "08006", Outcome.UNKNOWN);
            }
            return done;
        });
        scheduler.trace("primary " + use + " committed");
        scheduler.step();
        if (use != Use.LOAD && faults.hits(Faults.Kind.COMMIT_REPLY_LOST)) {
            throw failure(PrimaryFailure.Kind.TRANSIENT, "08006", Outcome.UNKNOWN);
        }
        return result;
    }

    private static PrimaryFailure failure(PrimaryFailure.Kind kind, String state, Outcome outcome) {
        return new PrimaryFailure(kind, state, outcome, "a fault of the simulation", null);
    }

    @Override
    public <T> T join(Object connection, Duration timeout, Work<T> work) {
        return primary.join(connection, timeout, work);
    }

    @Override
    public void commitBefore(PrimaryConnection connection, long deadlineMicros) {
        primary.commitBefore(connection, deadlineMicros);
    }

    @Override
    public void lockTimeout(PrimaryConnection connection, Duration timeout) {
        primary.lockTimeout(connection, timeout);
    }

    @Override
    public Outbox outbox() {
        return primary.outbox();
    }

    @Override
    public long clockMicros(PrimaryConnection connection) throws Exception {
        return primary.clockMicros(connection);
    }

    @Override
    public DrainLedger ledger() {
        return primary.ledger();
    }

    @Override
    public void verify() {
        primary.verify();
    }

    @Override
    public void close() {}
}
