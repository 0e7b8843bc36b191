package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * The calls of a run. Thread-safe. A call that was begun and never answered counts as one of unknown outcome; what a row held at first is
 * {@link Operation#NOTHING} unless told.
 */
public final class History {
    private final LongSupplier clock;
    private final ConcurrentLinkedQueue<Call> calls = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Operation> given = new ConcurrentLinkedQueue<>();

    /** An empty history; times are read from the clock, in nanoseconds. */
    public History(LongSupplier clock) {
        this.clock = clock;
    }

    /** A history of calls that are over. */
    public static History of(List<Operation> operations) {
        History history = new History(() -> 0);
        history.given.addAll(operations);
        return history;
    }

    /** A call under way. Thread-safe; the first of its answers counts. */
    public final class Call {
        private final int process;
        private final String session;
        private final String key;
        private final Kind kind;
        private final Level level;
        private final long boundNanos;
        private final long value;
        private final long invoked;
        private final AtomicBoolean answered = new AtomicBoolean();
        private volatile Operation operation;

        private Call(int process, String session, String key, Kind kind, Level level, long boundNanos, long value) {
            this.process = process;
            this.session = session;
            this.key = key;
            this.kind = kind;
            this.level = level;
            this.boundNanos = boundNanos;
            this.value = value;
            this.invoked = clock.getAsLong();
            this.operation = of(value, Operation.ANY, 0, Operation.NEVER, Outcome.UNKNOWN);
        }

        private Operation of(long valueNow, long base, long version, long responded, Outcome outcome) {
            return new Operation(
                    process,
                    session,
                    key,
                    kind,
                    level,
                    boundNanos,
                    valueNow,
                    base,
                    version,
                    invoked,
                    responded,
                    outcome);
        }

        private void answer(Operation told) {
            if (answered.compareAndSet(false, true)) {
                operation = told;
            }
        }

        /** A read found that value, or {@link Operation#NOTHING}. */
        public void found(long valueFound, long version) {
            answer(of(valueFound, Operation.ANY, version, clock.getAsLong(), Outcome.OK));
        }

        /** A write was acknowledged. */
        public void done(long version) {
            answer(of(value, Operation.ANY, version, clock.getAsLong(), Outcome.OK));
        }

        /** A compare-and-set was acknowledged: it replaced that value. */
        public void replaced(long base, long version) {
            answer(of(value, base, version, clock.getAsLong(), Outcome.OK));
        }

        /** It has certainly not happened. */
        public void failed() {
            answer(of(value, Operation.ANY, 0, clock.getAsLong(), Outcome.FAIL));
        }

        /** It may have happened or happen yet. */
        public void unknown() {
            answer(of(value, Operation.ANY, 0, Operation.NEVER, Outcome.UNKNOWN));
        }
    }

    /** A read begins. */
    public Call read(int process, String session, String key, Level level, long boundNanos) {
        return add(new Call(process, session, key, Kind.READ, level, boundNanos, Operation.NOTHING));
    }

    /** A write of a value begins; its number must be used once in a history. */
    public Call write(int process, String session, String key, long value) {
        return add(new Call(process, session, key, Kind.WRITE, Level.STRONG, 0, value));
    }

    /** A delete begins. */
    public Call delete(int process, String session, String key) {
        return add(new Call(process, session, key, Kind.DELETE, Level.STRONG, 0, Operation.NOTHING));
    }

    private Call add(Call call) {
        calls.add(call);
        return call;
    }

    /** All calls as far as they are known, by the time of their call. */
    public List<Operation> operations() {
        List<Operation> all = new ArrayList<>(given);
        calls.forEach(call -> all.add(call.operation));
        all.sort(Comparator.comparingLong(Operation::invoked));
        return all;
    }

    /** The calls by key, each list by the time of the call. */
    public Map<String, List<Operation>> byKey() {
        Map<String, List<Operation>> keys = new TreeMap<>();
        operations()
                .forEach(operation -> keys.computeIfAbsent(operation.key(), key -> new ArrayList<>())
                        .add(operation));
        return keys;
    }

    /** The calls that may have written a value, by its number. */
    static Map<Long, Operation> writers(List<Operation> operations) {
        Map<Long, Operation> writers = new HashMap<>();
        for (Operation operation : operations) {
            if (operation.kind() == Kind.WRITE && operation.mutates()) {
                Operation other = writers.put(operation.value(), operation);
                if (other != null) {
                    throw new IllegalArgumentException("value " + operation.value() + " was written twice");
                }
            }
        }
        return writers;
    }
}
