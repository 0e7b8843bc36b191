package dev.understudy.torture;

import dev.understudy.checkers.BoundedStaleness;
import dev.understudy.checkers.History;
import dev.understudy.checkers.Linearizability;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Provenance;
import dev.understudy.checkers.SessionGuarantees;
import dev.understudy.checkers.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What must hold of a round that is over.
 *
 * @param operations all calls of the round, the reads of the end included
 * @param rows the primary's rows at the end
 */
record Verdict(List<Operation> operations, Map<String, Long> rows) {
    /** Violations of what holds whatever happens to the shared replica's memory, as long as those who wrote live. */
    List<Violation> always() {
        History history = History.of(operations);
        List<Violation> violations = new ArrayList<>();
        violations.addAll(Provenance.noValueFromNowhere(history));
        violations.addAll(Provenance.noAcknowledgedWriteLost(history, rows, Set.of()));
        return violations;
    }

    /** Violations of what holds while the shared replica keeps what it has. */
    List<Violation> whileRemembered() {
        History history = History.of(operations);
        List<Violation> violations = new ArrayList<>();
        violations.addAll(Linearizability.check(history));
        violations.addAll(BoundedStaleness.check(history, 0));
        violations.addAll(SessionGuarantees.check(history));
        violations.addAll(Provenance.nothingComesBack(history));
        return violations;
    }
}
