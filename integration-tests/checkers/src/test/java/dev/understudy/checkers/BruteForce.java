package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Outcome;
import java.util.List;

/**
 * Every order of a handful of calls, tried: what the fast checkers are compared with. Stateless.
 *
 * <p>Source: J. Wing, C. Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993.
 */
final class BruteForce {
    private BruteForce() {}

    /** Whether some order of all answered calls, and of some of unknown outcome, explains the history. */
    static boolean isLinearizable(List<Operation> operations) {
        return isLinearizable(operations, 0, Operation.NOTHING);
    }

    private static boolean isLinearizable(List<Operation> operations, int done, long value) {
        long bound = Long.MAX_VALUE;
        boolean isAnyLeft = false;
        for (int i = 0; i < operations.size(); i++) {
            if ((done & 1 << i) == 0 && operations.get(i).outcome() == Outcome.OK) {
                bound = Math.min(bound, operations.get(i).responded());
                isAnyLeft = true;
            }
        }
        if (!isAnyLeft) {
            return true;
        }
        for (int i = 0; i < operations.size(); i++) {
            Operation next = operations.get(i);
            boolean mayBeNext = (done & 1 << i) == 0 && next.outcome() != Outcome.FAIL && next.invoked() <= bound;
            if (mayBeNext && fits(next, value)) {
                long then = next.kind() == Kind.READ ? value : next.value();
                if (isLinearizable(operations, done | 1 << i, then)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean fits(Operation next, long value) {
        if (next.kind() == Kind.READ) {
            return next.value() == value;
        }
        return next.base() == Operation.ANY || next.base() == value;
    }
}
