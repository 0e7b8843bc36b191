package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
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
 * version of its key. Exact where every write of a key got its version from the shared replica, deletes too. Not thread-safe.
 *
 * <p>Looked at again and again: what was found at rest settles the calls of unknown outcome before it. They excuse nothing afterwards, and
 * none of their values may appear that was not there.
 */
public final class LastWrites {
    /**
     * A row as it is.
     *
     * @param number of the write
     * @param version of the row
     */
    public record Present(long number, long version) {}

    private final Map<String, Present> found = new HashMap<>();
    private final Map<String, Long> reached = new HashMap<>();

    /** Nothing was found yet. */
    public LastWrites() {}

    /**
     * What is wrong with the rows, which from now on are what later ones are compared with.
     *
     * @param operations all calls since the last time
     * @param rows the rows at rest; a key without one has no row
     * @param excused versions, by key, that lie in the dead letters or were reported lost
     */
    public List<Violation> check(
            List<Operation> operations, Map<String, Present> rows, Map<String, Set<Long>> excused) {
        Map<String, List<Operation>> byKey = new HashMap<>();
        operations.stream()
                .filter(Operation::mutates)
                .forEach(call -> byKey.computeIfAbsent(call.key(), key -> new ArrayList<>())
                        .add(call));
        List<Violation> violations = new ArrayList<>();
        Set<String> keys = new HashSet<>(rows.keySet());
        keys.addAll(found.keySet());
        keys.addAll(byKey.keySet());
        for (String key : keys) {
            List<Operation> changes = byKey.getOrDefault(key, List.of());
            Optional<Operation> newest = newest(changes, excused.getOrDefault(key, Set.of()));
            Optional<Present> row = Optional.ofNullable(rows.get(key));
            if (row.isPresent()) {
                checkPresent(key, changes, newest, row.get(), violations);
            } else {
                checkAbsent(key, changes, newest, violations);
            }
            newest.ifPresent(change -> reached.merge(key, change.version(), Math::max));
            row.ifPresent(there -> reached.merge(key, there.version(), Math::max));
        }
        found.clear();
        found.putAll(rows);
        return violations;
    }

    private static Optional<Operation> newest(List<Operation> changes, Set<Long> excused) {
        return changes.stream()
                .filter(change -> change.outcome() == Outcome.OK && !excused.contains(change.version()))
                .max(Comparator.comparingLong(Operation::version));
    }

    private void checkPresent(
            String key,
            List<Operation> changes,
            Optional<Operation> newest,
            Present there,
            List<Violation> violations) {
        boolean isWritten = changes.stream()
                .anyMatch(change -> change.kind() == Kind.WRITE
                        && change.value() == there.number()
                        && (change.version() == 0 || change.version() == there.version()));
        if (!isWritten && !there.equals(found.get(key))) {
            violations.add(new Violation(Provenance.NOWHERE, key, "nobody wrote " + there, List.of()));
        }
        if (newest.filter(change -> change.version() > there.version()).isPresent()) {
            Operation change = newest.get();
            String check = change.kind() == Kind.DELETE ? Provenance.RETURNED : Provenance.LOST;
            violations.add(new Violation(check, key, "there is " + there, List.of(change)));
        } else if (there.version() < reached.getOrDefault(key, 0L)) {
            violations.add(new Violation(
                    Provenance.LOST, key, "there is " + there + " after version " + reached.get(key), List.of()));
        }
    }

    private void checkAbsent(
            String key, List<Operation> changes, Optional<Operation> newest, List<Violation> violations) {
        boolean mayBeDeleted = changes.stream()
                .anyMatch(change -> change.kind() == Kind.DELETE && change.outcome() == Outcome.UNKNOWN);
        boolean mustBeThere = newest.isPresent() ? newest.get().kind() == Kind.WRITE : found.containsKey(key);
        if (mustBeThere && !mayBeDeleted) {
            violations.add(new Violation(
                    Provenance.LOST, key, "there is no row", newest.stream().toList()));
        }
    }
}
