package dev.understudy.engine;

import dev.understudy.model.Conflict;
import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.Prepared;
import java.util.Optional;

/** What must hold of the row for a write-through, given the pending write that its marker met. Stateless. */
final class ThroughGuards {
    private ThroughGuards() {}

    /**
     * The guard of a mutation.
     *
     * @param isWritten whether the same transaction has written the row already
     * @throws Conflict if a pending write, which stands for the row, does not meet the condition
     */
    static Guard of(Mutation<?, ?> mutation, Prepared prepared, boolean isWritten) {
        Optional<Version> expected = mutation.ifVersion();
        if (isWritten || !prepared.hasPending()) {
            return switch (mutation.effectiveVerb()) {
                case SAVE -> Guard.NONE;
                case INSERT -> Guard.MISSING;
                case UPDATE -> expected.<Guard>map(Guard.Exactly::new).orElse(Guard.EXISTS);
                case DELETE -> expected.<Guard>map(Guard.Exactly::new).orElse(Guard.NONE);
            };
        }
        // A pending write stands for the row: it is what the condition is judged against.
        boolean isThere = prepared.pendingKind() == EntryKind.VALUE;
        Version pending = prepared.pendingVersion();
        Version current = isThere ? pending : Version.ABSENT;
        boolean holds = switch (mutation.effectiveVerb()) {
            case SAVE -> true;
            case INSERT -> !isThere;
            case UPDATE -> isThere && expected.map(current::equals).orElse(true);
            case DELETE -> expected.map(current::equals).orElse(true);
        };
        if (!holds) {
            throw new Conflict("a pending write is current", Tier.SHARED, current);
        }
        boolean isFree =
                mutation.effectiveVerb() == Mutation.Verb.SAVE || mutation.effectiveVerb() == Mutation.Verb.DELETE;
        return isFree && expected.isEmpty() ? Guard.NONE : new Guard.AtMost(pending);
    }

    /** What a guard that did not hold means to the caller. */
    static Conflict conflict(Guard guard, Version current) {
        String why = guard instanceof Guard.Missing
                ? "the row exists"
                : current.isAbsent() ? "the row does not exist" : "another version is current";
        return new Conflict(why, Tier.PRIMARY, current);
    }
}
