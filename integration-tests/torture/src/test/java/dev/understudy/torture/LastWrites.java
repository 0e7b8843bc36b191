package dev.understudy.torture;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.checkers.Violation;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * No acknowledged write is lost, by versions: when nothing is pending, a row is at least as new as the acknowledged write of the highest
 * version of its key. Exact where every write of a key got its version from the shared replica, deletes too. Stateless.
 */
final class LastWrites {
    /** Name in reports. */
    static final String LOST = "no acknowledged write lost";
    /** Name in reports. */
    static final String RETURNED = "nothing deleted comes back";
    /** Name in reports. */
    static final String NOWHERE = "no value from nowhere";

    private LastWrites() {}

    /**
     * What is wrong with the rows.
     *
     * @param operations all calls
     * @param rows the rows at rest; a key without one has no row
     * @param excused versions, by key, that lie in the dead letters or were reported lost
     */
    static List<Violation> check(
            List<Operation> operations, Map<String, Audit.Present> rows, Map<String, Set<Long>> excused) {
        Map<String, List<Operation>> byKey = new HashMap<>();
        operations.stream()
                .filter(Operation::mutates)
                .forEach(call -> byKey.computeIfAbsent(call.key(), key -> new ArrayList<>())
                        .add(call));
        List<Violation> violations = new ArrayList<>();
        Set<String> keys = new HashSet<>(rows.keySet());
        keys.addAll(byKey.keySet());
        for (String key : keys) {
            check(
                    key,
                    byKey.getOrDefault(key, List.of()),
                    Optional.ofNullable(rows.get(key)),
                    excused.getOrDefault(key, Set.of()),
                    violations);
        }
        return violations;
    }

    private static void check(
            String key,
            List<Operation> changes,
            Optional<Audit.Present> row,
            Set<Long> excused,
            List<Violation> violations) {
        Optional<Operation> newest = changes.stream()
                .filter(change -> change.outcome() == Outcome.OK && !excused.contains(change.version()))
                .max(Comparator.comparingLong(Operation::version));
        if (row.isPresent()) {
            Audit.Present there = row.get();
            boolean isWritten = changes.stream()
                    .anyMatch(change -> change.kind() == Kind.WRITE
                            && change.value() == there.number()
                            && (change.version() == 0 || change.version() == there.version()));
            if (!isWritten) {
                violations.add(new Violation(NOWHERE, key, "nobody wrote " + there, List.of()));
            }
            newest.filter(change -> change.version() > there.version())
                    .ifPresent(change -> violations.add(new Violation(
                            change.kind() == Kind.DELETE ? RETURNED : LOST,
                            key,
                            "there is " + there,
                            List.of(change))));
        } else {
            boolean mayBeDeleted = changes.stream()
                    .anyMatch(change -> change.kind() == Kind.DELETE && change.outcome() == Outcome.UNKNOWN);
            newest.filter(change -> change.kind() == Kind.WRITE && !mayBeDeleted)
                    .ifPresent(change -> violations.add(new Violation(LOST, key, "there is no row", List.of(change))));
        }
    }
}
