package dev.understudy.model;

import java.time.Duration;

/** How fresh a read must be. */
public sealed interface Consistency {
    /** Some value that was written, never older than the near replica's time to live. */
    Consistency EVENTUAL = new Eventual();
    /** Linearizable per key: the pending write if there is one, else the primary. */
    Consistency STRONG = new Strong();

    /** At least as new as everything applied {@code staleness} ago. */
    static Consistency bounded(Duration staleness) {
        return new Bounded(staleness);
    }

    /** See {@link #EVENTUAL}. */
    record Eventual() implements Consistency {}

    /** See {@link #STRONG}. */
    record Strong() implements Consistency {}

    /**
     * See {@link #bounded}.
     *
     * @param staleness zero (no near replica) to one day
     */
    record Bounded(Duration staleness) implements Consistency {
        /** Refuses a bound outside zero to one day. */
        public Bounded {
            if (staleness.isNegative() || staleness.compareTo(Duration.ofDays(1)) > 0) {
                throw new Invalid("staleness " + staleness + " is outside zero to one day");
            }
        }
    }
}
