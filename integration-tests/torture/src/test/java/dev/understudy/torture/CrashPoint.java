package dev.understudy.torture;

import java.util.List;
import java.util.stream.Stream;

/** Where a worker can end itself. */
public enum CrashPoint {
    /** The leases of shards are claimed and nothing is read. */
    DRAIN_CLAIMED,
    /** The batch is read and its transaction not begun. */
    DRAIN_PEEKED,
    /** The batch is written and not committed. */
    DRAIN_WRITTEN,
    /** The batch is committed and the shared replica not told. */
    DRAIN_COMMITTED,
    /** The shared replica was told of a part of the batch. */
    DRAIN_TOLD,
    /** A write-through has not put its marker. */
    THROUGH_BEFORE_PREPARE,
    /** A write-through has put its marker. */
    THROUGH_PREPARED,
    /** A write-through has done its SQL and not committed. */
    THROUGH_WRITTEN,
    /** A write-through has committed and nobody was told. */
    THROUGH_COMMITTED,
    /** A write-through has told the shared replica, and not its caller. */
    THROUGH_APPLIED,
    /** None: the worker is ended by others. */
    NEVER;

    /** All steps. */
    static List<CrashPoint> all() {
        return Stream.concat(ofTheDrain().stream(), ofAWriteThrough().stream()).toList();
    }

    /** The steps of a write-through. */
    static List<CrashPoint> ofAWriteThrough() {
        return List.of(THROUGH_BEFORE_PREPARE, THROUGH_PREPARED, THROUGH_WRITTEN, THROUGH_COMMITTED, THROUGH_APPLIED);
    }

    /** The steps of the drain. */
    static List<CrashPoint> ofTheDrain() {
        return List.of(DRAIN_CLAIMED, DRAIN_PEEKED, DRAIN_WRITTEN, DRAIN_COMMITTED, DRAIN_TOLD);
    }
}
