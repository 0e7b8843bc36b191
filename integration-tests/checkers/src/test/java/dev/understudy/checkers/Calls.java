package dev.understudy.checkers;

import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.util.Arrays;

/** Short words for the calls of hand-made histories; key "k", session "s" where one is meant. */
final class Calls {
    static final String KEY = "k";

    private Calls() {}

    static History history(Operation... operations) {
        return History.of(Arrays.asList(operations));
    }

    static Operation write(long value, long from, long to) {
        return call("", Kind.WRITE, Level.STRONG, 0, value, Operation.ANY, 0, from, to, Outcome.OK);
    }

    static Operation lost(long value, long from) {
        return call("", Kind.WRITE, Level.STRONG, 0, value, Operation.ANY, 0, from, Operation.NEVER, Outcome.UNKNOWN);
    }

    static Operation failed(long value, long from, long to) {
        return call("", Kind.WRITE, Level.STRONG, 0, value, Operation.ANY, 0, from, to, Outcome.FAIL);
    }

    static Operation replace(long base, long value, long from, long to) {
        return call("", Kind.WRITE, Level.STRONG, 0, value, base, 0, from, to, Outcome.OK);
    }

    static Operation delete(long from, long to) {
        return call("", Kind.DELETE, Level.STRONG, 0, 0, Operation.ANY, 0, from, to, Outcome.OK);
    }

    static Operation read(long value, long from, long to) {
        return call("", Kind.READ, Level.STRONG, 0, value, Operation.ANY, 0, from, to, Outcome.OK);
    }

    static Operation bounded(long bound, long value, long from, long to) {
        return call("", Kind.READ, Level.BOUNDED, bound, value, Operation.ANY, 0, from, to, Outcome.OK);
    }

    static Operation mine(Kind kind, long value, long version, long from, long to) {
        Level level = kind == Kind.READ ? Level.SESSION : Level.STRONG;
        return call("s", kind, level, 0, value, Operation.ANY, version, from, to, Outcome.OK);
    }

    static Operation versioned(long value, long version, long from, long to) {
        return call("", Kind.WRITE, Level.STRONG, 0, value, Operation.ANY, version, from, to, Outcome.OK);
    }

    static Operation call(
            String session,
            Kind kind,
            Level level,
            long bound,
            long value,
            long base,
            long version,
            long from,
            long to,
            Outcome outcome) {
        return new Operation(0, session, KEY, kind, level, bound, value, base, version, from, to, outcome);
    }
}
