package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether the strong reads and the writes of each key could have happened one after the other, each between its call and its answer.
 * Stateless. Exact: no false alarm and nothing missed.
 *
 * <h2>Unknown outcomes</h2>
 * A write whose outcome is unknown and that nobody read might as well not have happened, and is left out. One that somebody read has
 * happened before the first such read was answered; that is its end. Unknown deletes may happen at any time after their call, or never.
 *
 * <h2>Two methods</h2>
 * Without deletes and compare-and-sets, values are unique and {@link Zones} decides in n log n. Else the configurations of a register are
 * followed through the history ({@link Configurations}), which takes time exponential only in the calls open at one moment.
 */
public final class Linearizability {
    /** The name in reports. */
    public static final String NAME = "linearizability";

    private Linearizability() {}

    /** The violations, at most one a key. */
    public static List<Violation> check(History history) {
        List<Violation> violations = new ArrayList<>();
        history.byKey().forEach((key, operations) -> checkKey(key, operations).ifPresent(violations::add));
        return violations;
    }

    /** The violation of one key's calls, if there is one. */
    static Optional<Violation> checkKey(String key, List<Operation> operations) {
        List<Operation> closed = withEnds(relevant(operations));
        Optional<Violation> stranger = fromNowhere(key, closed);
        if (stranger.isPresent()) {
            return stranger;
        }
        return Zones.applies(closed) ? Zones.check(key, closed) : Configurations.check(key, closed);
    }

    private static List<Operation> relevant(List<Operation> operations) {
        return operations.stream()
                .filter(operation -> operation.mutates() || (operation.isAnswer() && operation.level() == Level.STRONG))
                .sorted(Comparator.comparingLong(Operation::invoked))
                .toList();
    }

    private static Optional<Violation> fromNowhere(String key, List<Operation> operations) {
        Map<Long, Operation> writers = History.writers(operations);
        for (Operation operation : operations) {
            long seen = seenBy(operation);
            Operation writer = writers.get(seen);
            if (seen > Operation.NOTHING && (writer == null || writer.invoked() > operation.responded())) {
                List<Operation> shown = writer == null ? List.of(operation) : List.of(operation, writer);
                return Optional.of(new Violation(NAME, key, "a value from nowhere", shown));
            }
        }
        return Optional.empty();
    }

    /** The value that a call has found if it has happened; {@link Operation#ANY} if it does not matter. */
    private static long seenBy(Operation operation) {
        return operation.kind() == Kind.READ ? operation.value() : operation.base();
    }

    /** The calls with an end for every unknown write that was seen, without those that were not. */
    static List<Operation> withEnds(List<Operation> operations) {
        Map<Long, Operation> open = new HashMap<>();
        Map<Long, Long> firstSeen = new HashMap<>();
        Deque<Operation> certain = new ArrayDeque<>();
        for (Operation operation : operations) {
            if (operation.kind() == Kind.WRITE && operation.outcome() == Outcome.UNKNOWN) {
                open.put(operation.value(), operation);
            } else {
                certain.add(operation);
            }
        }
        while (!certain.isEmpty()) {
            Operation seer = certain.remove();
            long until = seer.responded();
            Operation writer = open.get(seenBy(seer));
            // An unknown replacement that was seen has itself seen what it replaced.
            if (writer != null && firstSeen.getOrDefault(writer.value(), Operation.NEVER) > until) {
                firstSeen.put(writer.value(), until);
                certain.add(ended(writer, until));
            }
        }
        List<Operation> closed = new ArrayList<>();
        for (Operation operation : operations) {
            Long seen = firstSeen.get(operation.value());
            if (!operation.equals(open.get(operation.value()))) {
                closed.add(operation);
            } else if (seen != null) {
                closed.add(ended(operation, seen));
            }
        }
        return closed;
    }

    private static Operation ended(Operation write, long end) {
        return new Operation(
                write.process(),
                write.session(),
                write.key(),
                write.kind(),
                write.level(),
                write.boundNanos(),
                write.value(),
                write.base(),
                write.version(),
                write.invoked(),
                Math.max(write.invoked(), end),
                Outcome.OK);
    }

    static Violation violation(String key, String message, @Nullable Operation last, List<Operation> operations) {
        List<Operation> shown = new ArrayList<>();
        for (Operation operation : operations) {
            if (last == null || (operation.invoked() <= last.responded() && shown.size() < 200)) {
                shown.add(operation);
            }
        }
        return new Violation(NAME, key, message, shown.subList(Math.max(0, shown.size() - 40), shown.size()));
    }
}
