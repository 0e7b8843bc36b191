package dev.understudy.torture;

import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.DrainLedger.Fenced;
import dev.understudy.spi.ForwardingPrimary;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;

/** A primary that tells in which step of which transaction the process is. Thread-safe. */
final class CrashPrimary extends ForwardingPrimary {
    /** What the transaction of this thread has done. */
    enum Done {
        /** Shards were claimed. */
        CLAIMED,
        /** Rows were written. */
        WRITTEN
    }

    private static final int EACH = 20;
    private static final Duration LATER = Duration.ofMillis(100);
    /** Stands for an epoch where none was checked. */
    private static final long UNFENCED = -1;

    private final Crash crash;
    private final ThreadLocal<Use> current = new ThreadLocal<>();
    private final ThreadLocal<Set<Done>> done = ThreadLocal.withInitial(() -> EnumSet.noneOf(Done.class));
    /** The epochs that this thread's transaction had checked, by cache. */
    private final ThreadLocal<Map<String, Map<Integer, Long>>> fenced = ThreadLocal.withInitial(HashMap::new);

    CrashPrimary(Primary primary, Crash crash) {
        super(primary);
        this.crash = crash;
    }

    /** This thread's transaction has done something. */
    void did(Done what) {
        done.get().add(what);
    }

    /** Whether this thread's transaction is the drain's. */
    boolean isDraining() {
        return current.get() == Use.DRAIN;
    }

    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        done.get().clear();
        T result = callUntilCommit(use, timeout, connection -> {
            done.get().clear();
            fenced.get().clear();
            current.set(use);
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
        return switch (Seeded.ofThisProcess()) {
            case COMMIT_LOST -> use == Use.DRAIN ? rolledBack(use, timeout, work) : super.call(use, timeout, work);
            case APPLIED_BEFORE_COMMIT ->
                use == Use.COMMIT && ThreadLocalRandom.current().nextInt(EACH) == 0
                        ? toldBefore(use, timeout, work)
                        : super.call(use, timeout, work);
            default -> super.call(use, timeout, work);
        };
    }

    /** The bug: what was rolled back is reported as committed. */
    private <T> T rolledBack(Use use, Duration timeout, Work<T> work) {
        AtomicReference<T> answer = new AtomicReference<>();
        try {
            return super.call(use, timeout, connection -> {
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
            return answer.get();
        }
    }

    /** The bug: what is not committed yet is reported as committed; it will be a little later, if the process lives. */
    private <T> T toldBefore(Use use, Duration timeout, Work<T> work) {
        CompletableFuture<T> told = new CompletableFuture<>();
        Thread commit = new Thread(
                () -> {
                    try {
                        told.complete(super.call(use, timeout, connection -> {
                            T result = work.on(connection);
                            if (done.get().contains(Done.WRITTEN)) {
                                told.complete(result);
                                FaultKind.pause(LATER);
                            }
                            return result;
                        }));
                    } catch (RuntimeException e) {
                        told.completeExceptionally(e);
                    }
                },
                "late commit");
        commit.start();
        try {
            return told.join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof RuntimeException cause ? cause : e;
        }
    }

    /** Rolls a transaction back. */
    private static final class CommitLost extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @Override
    public DrainLedger ledger() {
        DrainLedger ledger = super.ledger();
        return (DrainLedger) Proxy.newProxyInstance(
                CrashPrimary.class.getClassLoader(), new Class<?>[] {DrainLedger.class}, (proxy, method, arguments) -> {
                    try {
                        Object answer = method.invoke(ledger, arguments);
                        return switch (method.getName()) {
                            case "claim" -> claimed(arguments, epochs(answer));
                            case "fence" -> fenced(arguments, answer);
                            default -> answer;
                        };
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @SuppressWarnings("unchecked") // what the ledger's methods declare
    private static Map<Integer, Long> epochs(Object declared) {
        return (Map<Integer, Long>) declared;
    }

    private Object claimed(Object[] arguments, Map<Integer, Long> epochs) throws SQLException {
        if (!epochs.isEmpty()) {
            did(Done.CLAIMED);
            audited((PrimaryConnection) arguments[0], (String) arguments[1], epochs);
        }
        return epochs;
    }

    private Object fenced(Object[] arguments, Object answer) {
        Map<Integer, Long> epochs = epochs(arguments[2]);
        fenced.get().put((String) arguments[1], epochs);
        if (Seeded.ofThisProcess() != Seeded.NO_FENCE) {
            return answer;
        }
        return answer instanceof Fenced found ? new Fenced(epochs.keySet(), found.tombstones()) : epochs.keySet();
    }

    /** This thread's transaction writes rows of those shards; if it is the drain's, under the epochs that it had checked. */
    void writes(PrimaryConnection connection, String cache, Set<Integer> shards) throws SQLException {
        did(Done.WRITTEN);
        if (isDraining()) {
            Map<Integer, Long> epochs = fenced.get().getOrDefault(cache, Map.of());
            audited(
                    connection,
                    cache,
                    shards.stream()
                            .collect(Collectors.toMap(shard -> shard, shard -> epochs.getOrDefault(shard, UNFENCED))));
        }
    }

    private static void audited(PrimaryConnection connection, String cache, Map<Integer, Long> epochs)
            throws SQLException {
        Audit.shards(connection.unwrap(Connection.class), cache, epochs);
    }
}
