package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Read-your-writes, monotonic reads, monotonic writes and writes-follow-reads of each session and key. Stateless. Source: Terry et al.,
 * "Session Guarantees for Weakly Consistent Replicated Data", PDIS 1994.
 */
public final class SessionGuarantees {
    /** The names in reports. */
    public static final String READ_YOUR_WRITES = "read-your-writes";

    /** Name in reports. */
    public static final String MONOTONIC_READS = "monotonic reads";

    /** Name in reports. */
    public static final String MONOTONIC_WRITES = "monotonic writes";

    /** Name in reports. */
    public static final String WRITES_FOLLOW_READS = "writes-follow-reads";

    private SessionGuarantees() {}

    /** The violations. Reads count that were made at {@link Level#SESSION} or above, in a session. */
    public static List<Violation> check(History history) {
        List<Violation> violations = new ArrayList<>();
        history.byKey().forEach((key, operations) -> {
            Precedence order = new Precedence(operations);
            Map<String, List<Operation>> sessions = new HashMap<>();
            for (Operation operation : operations) {
                boolean counts =
                        operation.kind() != Kind.READ || operation.level().compareTo(Level.SESSION) >= 0;
                if (!operation.session().isEmpty() && operation.outcome() == Outcome.OK && counts) {
                    sessions.computeIfAbsent(operation.session(), s -> new ArrayList<>())
                            .add(operation);
                }
            }
            sessions.values().forEach(calls -> checkSession(key, calls, order, violations));
        });
        return violations;
    }

    private static void checkSession(String key, List<Operation> calls, Precedence order, List<Violation> violations) {
        for (int i = 0; i < calls.size(); i++) {
            for (int j = 0; j < i; j++) {
                Operation earlier = calls.get(j);
                Operation later = calls.get(i);
                if (earlier.responded() <= later.invoked()) {
                    String broken = broken(earlier, later, order);
                    if (!broken.isEmpty()) {
                        violations.add(new Violation(broken, key, "within one session", List.of(earlier, later)));
                    }
                }
            }
        }
    }

    private static String broken(Operation earlier, Operation later, Precedence order) {
        if (later.kind() == Kind.READ) {
            boolean isRead = earlier.kind() == Kind.READ;
            Operation seen = isRead ? order.writerOf(earlier.value()) : earlier;
            boolean isMissed = seen != null && order.misses(later.value(), seen, later.responded());
            return isMissed ? (isRead ? MONOTONIC_READS : READ_YOUR_WRITES) : "";
        }
        boolean areOrdered = !order.hasDeletes() && earlier.version() > 0 && later.version() > 0;
        if (!areOrdered || later.version() > earlier.version()) {
            return "";
        }
        return Objects.equals(earlier.kind(), Kind.READ) ? WRITES_FOLLOW_READS : MONOTONIC_WRITES;
    }
}
