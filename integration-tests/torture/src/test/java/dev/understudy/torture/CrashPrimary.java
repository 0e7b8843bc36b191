package dev.understudy.torture;

import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.Outbox;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;

/** A primary that tells in which step of which transaction the process is. Thread-safe. */
final class CrashPrimary implements Primary {
    /** What the transaction of this thread has done. */
    enum Done {
        /** Shards were claimed. */
        CLAIMED,
        /** Rows were written. */
        WRITTEN
    }

    private final Primary primary;
    private final Crash crash;
    private final ThreadLocal<Set<Done>> done = ThreadLocal.withInitial(() -> EnumSet.noneOf(Done.class));

    CrashPrimary(Primary primary, Crash crash) {
        this.primary = primary;
        this.crash = crash;
    }

    /** This thread's transaction has done something. */
    void did(Done what) {
        done.get().add(what);
    }

    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        done.get().clear();
        T result = callUntilCommit(use, timeout, connection -> {
            done.get().clear();
            T answer = work.on(connection);
            if (done.get().contains(Done.WRITTEN)) {
                crash.at(use == Use.DRAIN ? CrashPoint.DRAIN_WRITTEN : CrashPoint.THROUGH_WRITTEN);
            }
            return answer;
        });
        if (done.get().contains(Done.WRITTEN)) {
            crash.at(use == Use.DRAIN ? CrashPoint.DRAIN_COMMITTED : CrashPoint.THROUGH_COMMITTED);
        } else if (done.get().contains(Done.CLAIMED)) {
            crash.at(CrashPoint.DRAIN_CLAIMED);
        }
        return result;
    }

    private <T> T callUntilCommit(Use use, Duration timeout, Work<T> work) {
        if (use != Use.DRAIN || Seeded.ofThisProcess() != Seeded.COMMIT_LOST) {
            return primary.call(use, timeout, work);
        }
        AtomicReference<T> answer = new AtomicReference<>();
        try {
            return primary.call(use, timeout, connection -> {
                T result = work.on(connection);
                if (done.get().contains(Done.WRITTEN)) {
                    answer.set(result);
                    throw new CommitLost();
                }
                return result;
            });
        } catch (RuntimeException e) {
            if (answer.get() == null) {
                throw e;
            }
            // The bug: what was rolled back is reported as committed.
            return answer.get();
        }
    }

    /** Rolls a transaction back. */
    private static final class CommitLost extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @Override
    public DrainLedger ledger() {
        DrainLedger ledger = primary.ledger();
        return (DrainLedger) Proxy.newProxyInstance(
                CrashPrimary.class.getClassLoader(), new Class<?>[] {DrainLedger.class}, (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(ledger, arguments);
                        if (method.getName().equals("claim") && !((Map<?, ?>) answer).isEmpty()) {
                            did(Done.CLAIMED);
                        }
                        return answer;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Override
    public <T> T join(Object connection, Duration timeout, Work<T> work) {
        return primary.join(connection, timeout, work);
    }

    @Override
    public void commitBefore(PrimaryConnection connection, long deadlineMicros) throws Exception {
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
    public void verify() {
        primary.verify();
    }

    @Override
    public void close() {
        primary.close();
    }
}
