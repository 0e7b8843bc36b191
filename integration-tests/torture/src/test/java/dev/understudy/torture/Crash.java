package dev.understudy.torture;

import java.util.function.BooleanSupplier;

/** Ends this process at one point, as SIGKILL would: no hook runs, nothing is flushed. Thread-safe. */
final class Crash {
    private final CrashPoint point;
    private final BooleanSupplier isDue;
    private final Journal journal;

    /**
     * A crash to come.
     *
     * @param isDue whether enough was done before
     */
    Crash(CrashPoint point, BooleanSupplier isDue, Journal journal) {
        this.point = point;
        this.isDue = isDue;
        this.journal = journal;
    }

    /** The process is at that point; does not return if it is to end there. */
    void at(CrashPoint here) {
        if (here == point && isDue.getAsBoolean()) {
            journal.died(here);
            Runtime.getRuntime().halt(137);
        }
    }
}
