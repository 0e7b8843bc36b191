package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Whether a {@link Level#BOUNDED} read finds at least everything that was acknowledged longer ago than its bound. Stateless. Nothing is
 * missed that is certain by times and versions.
 */
public final class BoundedStaleness {
    /** The name in reports. */
    public static final String NAME = "bounded staleness";

    private BoundedStaleness() {}

    /** The violations; {@code slackNanos} is added to every bound, for clocks that are read a moment late. */
    public static List<Violation> check(History history, long slackNanos) {
        List<Violation> violations = new ArrayList<>();
        history.byKey().forEach((key, operations) -> {
            Precedence order = new Precedence(operations);
            List<Operation> acknowledged = operations.stream()
                    .filter(call -> call.mutates() && call.outcome() == Outcome.OK)
                    .sorted(Comparator.comparingLong(Operation::responded))
                    .toList();
            for (Operation read : operations) {
                if (read.isAnswer() && read.level() == Level.BOUNDED) {
                    check(key, acknowledged, order, read, read.invoked() - read.boundNanos() - slackNanos, violations);
                }
            }
        });
        return violations;
    }

    private static void check(
            String key,
            List<Operation> acknowledged,
            Precedence order,
            Operation read,
            long since,
            List<Violation> violations) {
        for (Operation change : acknowledged) {
            if (change.responded() >= since) {
                return;
            }
            if (order.misses(read.value(), change, read.responded())) {
                violations.add(new Violation(
                        NAME, key, "older than " + read.boundNanos() + " ns allow", List.of(change, read)));
                return;
            }
        }
    }
}
