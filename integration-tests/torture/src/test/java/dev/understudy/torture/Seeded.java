package dev.understudy.torture;

import java.util.List;

/** A bug that is put into a process on purpose, to see that the checks see it. */
enum Seeded {
    /** None. */
    NONE,
    /** A row of a batch now and then is left out and reported as stored: it is taken off the queue before it is written. */
    ROWS_DROPPED,
    /** The batch is told to the shared replica as committed, and its transaction is rolled back. */
    COMMIT_LOST,
    /** A write-through now and then is told to the shared replica before its transaction is committed. */
    APPLIED_BEFORE_COMMIT,
    /** The drain writes rows, and write-throughs install copies, whatever version is there. */
    NO_VERSION_GUARD,
    /** The marker of a write-through is withdrawn before its SQL. */
    NO_MARKER,
    /** What a load found is stored though its lease was lost. */
    FILLED_WITHOUT_LEASE,
    /** The drain deletes a row and writes it once more as it was before. */
    DELETES_BEFORE_PUTS,
    /** A write-back now and then is acknowledged and not logged. */
    ACKED_BEFORE_LOGGED,
    /** A write-back now and then is sent again under another identity. */
    NO_WRITE_ID,
    /** Announcements and positions are not looked at. */
    NO_ANNOUNCEMENT,
    /** The drain writes though its shards are another's. */
    NO_FENCE;

    /** The system property of a worker. */
    static final String PROPERTY = "torture.seeded";

    /** Where processes that do this wrong had better end themselves. */
    List<CrashPoint> points() {
        return switch (this) {
            case NO_MARKER -> List.of(CrashPoint.THROUGH_COMMITTED);
            case APPLIED_BEFORE_COMMIT -> List.of(CrashPoint.THROUGH_APPLIED);
            default -> CrashPoint.all();
        };
    }

    /** What had better go wrong around it. */
    List<FaultKind> kinds() {
        return switch (this) {
            case NO_MARKER, APPLIED_BEFORE_COMMIT -> List.of(FaultKind.PROCESSES_CRASHED, FaultKind.PROCESS_FROZEN);
            case NO_FENCE -> List.of(FaultKind.PROCESS_FROZEN);
            case NO_WRITE_ID, DELETES_BEFORE_PUTS -> List.of(FaultKind.NETWORK_SLOW, FaultKind.NETWORK_SLICED);
            case NO_VERSION_GUARD ->
                List.of(
                        FaultKind.NETWORK_SLOW,
                        FaultKind.NETWORK_SLOW,
                        FaultKind.NETWORK_SLOW,
                        FaultKind.POSTGRES_LOCKED);
            case FILLED_WITHOUT_LEASE ->
                List.of(
                        FaultKind.POSTGRES_SLOW,
                        FaultKind.POSTGRES_SLOW,
                        FaultKind.POSTGRES_SLOW,
                        FaultKind.ENTRIES_EVICTED);
            default ->
                List.of(
                        FaultKind.PROCESS_CRASHED,
                        FaultKind.PROCESS_FROZEN,
                        FaultKind.POSTGRES_LOCKED,
                        FaultKind.NETWORK_HALF_OPEN,
                        FaultKind.NETWORK_SLOW);
        };
    }

    /** Which calls had better be made around it. */
    Caller.Mix mix() {
        return switch (this) {
            case FILLED_WITHOUT_LEASE -> Caller.Mix.FORGETTING;
            case NO_WRITE_ID -> Caller.Mix.CONTENDING;
            case DELETES_BEFORE_PUTS -> Caller.Mix.DELETING;
            default -> Caller.Mix.ALL;
        };
    }

    /** What this process was told to do wrong. */
    static Seeded ofThisProcess() {
        return valueOf(System.getProperty(PROPERTY, NONE.name()));
    }
}
