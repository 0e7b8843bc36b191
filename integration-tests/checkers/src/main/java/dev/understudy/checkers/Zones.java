package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Linearizability of a register whose values are unique. Stateless.
 *
 * <p>The calls of one value form a cluster with a zone between the first answer and the last call. A zone is forward if the first answer
 * comes before the last call: the register certainly held the value all through it. Otherwise it is backward: all calls overlap, and one point
 * in it is enough. The history is linearizable exactly if no two forward zones overlap and no backward zone lies within a forward one.
 *
 * <p>Source: P. Gibbons, E. Korach, "Testing Shared Memories", SIAM Journal on Computing 26(4), 1997, section 4.
 */
final class Zones {
    private Zones() {}

    private static final class Cluster {
        final List<Operation> operations = new ArrayList<>();
        long firstAnswer = Long.MAX_VALUE;
        long lastCall = Long.MIN_VALUE;

        void add(Operation operation) {
            operations.add(operation);
            span(operation.invoked(), operation.responded());
        }

        void span(long invoked, long responded) {
            firstAnswer = Math.min(firstAnswer, responded);
            lastCall = Math.max(lastCall, invoked);
        }

        boolean isForward() {
            return firstAnswer < lastCall;
        }
    }

    /** Whether values are unique here: nothing was deleted, and every write is over and replaces whatever is there. */
    static boolean applies(List<Operation> operations) {
        return operations.stream()
                .allMatch(operation -> operation.kind() == Kind.READ
                        || (operation.kind() == Kind.WRITE
                                && operation.base() == Operation.ANY
                                && operation.outcome() == Outcome.OK));
    }

    static Optional<Violation> check(String key, List<Operation> operations) {
        Map<Long, Cluster> clusters = new HashMap<>();
        Cluster initial = new Cluster();
        initial.span(Long.MIN_VALUE, Long.MIN_VALUE);
        clusters.put(Operation.NOTHING, initial);
        for (Operation operation : operations) {
            clusters.computeIfAbsent(operation.value(), value -> new Cluster()).add(operation);
        }
        List<Cluster> forward = clusters.values().stream()
                .filter(Cluster::isForward)
                .sorted(Comparator.comparingLong(cluster -> cluster.firstAnswer))
                .toList();
        for (int i = 1; i < forward.size(); i++) {
            // In order of their beginnings, as long as none overlaps, each ends before the next begins.
            if (forward.get(i).firstAnswer < forward.get(i - 1).lastCall) {
                return found(key, "two values are both certainly there", forward.get(i - 1), forward.get(i));
            }
        }
        long[] begins =
                forward.stream().mapToLong(cluster -> cluster.firstAnswer).toArray();
        for (Cluster cluster : clusters.values()) {
            if (!cluster.isForward()) {
                int at = lastBefore(begins, cluster.lastCall);
                if (at >= 0 && cluster.firstAnswer < forward.get(at).lastCall) {
                    return found(key, "a value was there amid another", forward.get(at), cluster);
                }
            }
        }
        return Optional.empty();
    }

    private static int lastBefore(long[] begins, long moment) {
        int low = 0;
        int high = begins.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (begins[middle] < moment) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private static Optional<Violation> found(String key, String message, Cluster one, Cluster other) {
        List<Operation> shown = new ArrayList<>(one.operations);
        shown.addAll(other.operations);
        shown.sort(Comparator.comparingLong(Operation::invoked));
        return Optional.of(new Violation(Linearizability.NAME, key, message, shown));
    }
}
