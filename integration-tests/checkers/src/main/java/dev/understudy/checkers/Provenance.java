package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Where values come from: none from nowhere, none that was deleted, none that is lost. Stateless. */
public final class Provenance {
    /** Name in reports. */
    public static final String NOWHERE = "no value from nowhere";

    /** Name in reports. */
    public static final String RETURNED = "nothing deleted comes back";

    /** Name in reports. */
    public static final String LOST = "no acknowledged write lost";

    private Provenance() {}

    /** Reads of values that nobody had begun to write to their key, or whose write certainly failed. */
    public static List<Violation> noValueFromNowhere(History history) {
        List<Violation> violations = new ArrayList<>();
        history.byKey().forEach((key, operations) -> {
            Precedence order = new Precedence(operations);
            for (Operation read : operations) {
                Operation writer = order.writerOf(read.value());
                boolean isKnown = writer != null && writer.invoked() <= read.responded();
                if (read.isAnswer() && read.value() != Operation.NOTHING && !isKnown) {
                    violations.add(new Violation(NOWHERE, key, "nobody wrote the value", List.of(read)));
                }
            }
        });
        return violations;
    }

    /** Strong reads that find a value which was certainly written before a delete that was acknowledged before the read. */
    public static List<Violation> nothingComesBack(History history) {
        List<Violation> violations = new ArrayList<>();
        history.byKey().forEach((key, operations) -> {
            Precedence order = new Precedence(operations);
            for (Operation read : operations) {
                if (read.isAnswer() && read.level() == Level.STRONG) {
                    returned(key, operations, order, read, violations);
                }
            }
        });
        return violations;
    }

    private static void returned(
            String key, List<Operation> operations, Precedence order, Operation read, List<Violation> violations) {
        for (Operation delete : operations) {
            boolean isOver = delete.kind() == Kind.DELETE
                    && delete.outcome() == Outcome.OK
                    && delete.responded() < read.invoked();
            if (isOver && order.misses(read.value(), delete, read.responded())) {
                violations.add(new Violation(RETURNED, key, "the value was deleted", List.of(delete, read)));
                return;
            }
        }
    }

    /**
     * Acknowledged writes that are certainly not contained in what is there at the end.
     *
     * @param last the value of each key at the end, {@link Operation#NOTHING} for no row
     * @param excused values that were reported lost or lie in the dead letters
     */
    public static List<Violation> noAcknowledgedWriteLost(
            History history, Map<String, Long> last, java.util.Set<Long> excused) {
        List<Violation> violations = new ArrayList<>();
        history.byKey().forEach((key, operations) -> {
            Precedence order = new Precedence(operations);
            long there = last.getOrDefault(key, Operation.NOTHING);
            if (there != Operation.NOTHING && order.writerOf(there) == null) {
                violations.add(new Violation(NOWHERE, key, "value " + there + " is there at the end", List.of()));
            }
            for (Operation change : operations) {
                boolean mustBeThere = change.mutates()
                        && change.outcome() == Outcome.OK
                        && (change.kind() == Kind.DELETE || !excused.contains(change.value()));
                if (mustBeThere && order.misses(there, change, Operation.NEVER)) {
                    String check = change.kind() == Kind.DELETE ? RETURNED : LOST;
                    violations.add(
                            new Violation(check, key, "value " + there + " is there at the end", List.of(change)));
                }
            }
        });
        return violations;
    }
}
