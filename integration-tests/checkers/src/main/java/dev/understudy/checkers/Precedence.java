package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is certain about the order of one key's writes. Immutable.
 *
 * <p>A write is certainly older than another if it was answered, or its value was read, before the other was called; and, while nothing was
 * deleted, if its version is lower. (Versions order upserts of one row; they do not order a delete against a later insert.)
 */
final class Precedence {
    private final List<Operation> operations;
    private final Map<Long, Operation> writers;
    private final Map<Long, Long> firstSeen = new HashMap<>();
    private final boolean hasDeletes;

    Precedence(List<Operation> operations) {
        this.operations = List.copyOf(operations);
        this.writers = History.writers(operations);
        for (Operation operation : operations) {
            if (operation.isAnswer()) {
                firstSeen.merge(operation.value(), operation.responded(), Math::min);
            }
        }
        this.hasDeletes =
                operations.stream().anyMatch(operation -> operation.kind() == Kind.DELETE && operation.mutates());
    }

    boolean hasDeletes() {
        return hasDeletes;
    }

    @Nullable
    Operation writerOf(long value) {
        return writers.get(value);
    }

    /** When the change was certainly made. */
    private long end(Operation change) {
        if (change.outcome() == Outcome.OK || change.kind() == Kind.DELETE) {
            return change.responded();
        }
        return firstSeen.getOrDefault(change.value(), Operation.NEVER);
    }

    boolean isOlder(Operation one, Operation other) {
        if (end(one) < other.invoked()) {
            return true;
        }
        boolean areVersions = one.version() > 0 && other.version() > 0 && !hasDeletes;
        return areVersions && one.kind() == Kind.WRITE && other.kind() == Kind.WRITE && one.version() < other.version();
    }

    /** Whether finding that value, until that moment, means that the change was certainly missed. */
    boolean misses(long found, Operation change, long until) {
        if (found != Operation.NOTHING) {
            Operation writer = writers.get(found);
            return writer != null && !writer.equals(change) && isOlder(writer, change);
        }
        if (change.kind() == Kind.DELETE) {
            return false;
        }
        return operations.stream()
                .noneMatch(delete -> delete.kind() == Kind.DELETE
                        && delete.mutates()
                        && delete.invoked() <= until
                        && !isOlder(delete, change));
    }
}
