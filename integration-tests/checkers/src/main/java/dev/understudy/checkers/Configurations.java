package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Linearizability of a register by following every configuration it can be in: its value, which of the open calls have taken effect, and
 * how many deletes of unknown outcome are still to come. Not thread-safe.
 *
 * <p>A call takes effect no earlier than an answer forces it to ("just in time"); a read takes effect as soon as its value is there, which
 * excludes nothing. Of two configurations that differ only in the deletes left, the one with more can do all that the other can. Source: J. Wing,
 * C. Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993; G. Lowe, "Testing for Linearizability", 2017.
 */
final class Configurations {
    private static final int OPEN = 62;

    private final Operation[] slots = new Operation[OPEN];
    private long used;
    private Map<State, Integer> states = new HashMap<>();

    /** A value and the slots of the open calls that have taken effect; mapped to the deletes left. */
    private record State(long value, long done) {}

    private record Event(long time, boolean isAnswer, int number) {}

    private Configurations() {
        states.put(new State(Operation.NOTHING, 0), 0);
    }

    /** The calls must be over, deletes of unknown outcome excepted; at most {@value #OPEN} may be open at one moment. */
    static Optional<Violation> check(String key, List<Operation> operations) {
        Configurations run = new Configurations();
        int[] slotOf = new int[operations.size()];
        for (Event event : events(operations)) {
            Operation operation = operations.get(event.number());
            if (operation.outcome() == Outcome.UNKNOWN) {
                run.states.replaceAll((state, deletes) -> deletes + 1);
            } else if (!event.isAnswer()) {
                slotOf[event.number()] = run.open(operation);
            } else if (!run.answer(slotOf[event.number()])) {
                return Optional.of(
                        Linearizability.violation(key, "no order explains " + operation, operation, operations));
            }
        }
        return Optional.empty();
    }

    private static List<Event> events(List<Operation> operations) {
        List<Event> events = new ArrayList<>();
        for (int i = 0; i < operations.size(); i++) {
            events.add(new Event(operations.get(i).invoked(), false, i));
            if (operations.get(i).outcome() != Outcome.UNKNOWN) {
                events.add(new Event(operations.get(i).responded(), true, i));
            }
        }
        events.sort(Comparator.comparingLong(Event::time).thenComparing(Event::isAnswer));
        return events;
    }

    private int open(Operation operation) {
        int slot = Long.numberOfTrailingZeros(~used);
        if (slot >= OPEN) {
            throw new IllegalArgumentException("more than " + OPEN + " calls are open at one moment");
        }
        used |= 1L << slot;
        slots[slot] = operation;
        return slot;
    }

    /** Keeps what can be after the call in the slot has taken effect; false if nothing can. */
    private boolean answer(int slot) {
        Map<State, Integer> reached = new HashMap<>();
        Deque<State> todo = new ArrayDeque<>();
        states.forEach((state, deletes) -> reach(state.value(), state.done(), deletes, reached, todo));
        while (!todo.isEmpty()) {
            State state = todo.remove();
            int deletes = reached.getOrDefault(state, 0);
            if (isDone(state, slot)) {
                continue;
            }
            if (deletes > 0 && state.value() != Operation.NOTHING) {
                reach(Operation.NOTHING, state.done(), deletes - 1, reached, todo);
            }
            for (long left = used & ~state.done(); left != 0; left &= left - 1) {
                int at = Long.numberOfTrailingZeros(left);
                Operation next = slots[at];
                boolean fits =
                        next.kind() != Kind.READ && (next.base() == Operation.ANY || next.base() == state.value());
                if (fits) {
                    reach(next.value(), state.done() | 1L << at, deletes, reached, todo);
                }
            }
        }
        Map<State, Integer> kept = new HashMap<>();
        reached.forEach((state, deletes) -> {
            if (isDone(state, slot)) {
                kept.merge(new State(state.value(), state.done() & ~(1L << slot)), deletes, Math::max);
            }
        });
        used &= ~(1L << slot);
        states = kept;
        return !kept.isEmpty();
    }

    private static boolean isDone(State state, int slot) {
        return (state.done() & 1L << slot) != 0;
    }

    private void reach(long value, long done, int deletes, Map<State, Integer> reached, Deque<State> todo) {
        long withReads = done;
        for (long left = used & ~done; left != 0; left &= left - 1) {
            int at = Long.numberOfTrailingZeros(left);
            if (slots[at].kind() == Kind.READ && slots[at].value() == value) {
                withReads |= 1L << at;
            }
        }
        State state = new State(value, withReads);
        Integer known = reached.get(state);
        if (known == null || known < deletes) {
            reached.put(state, deletes);
            todo.add(state);
        }
    }
}
