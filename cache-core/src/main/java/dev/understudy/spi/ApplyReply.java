package dev.understudy.spi;

import dev.understudy.model.Position;

/**
 * Answer to the outcome of a write-through.
 *
 * @param result what was done
 * @param position the announcement of the change; that of the shard if nothing was announced
 */
public record ApplyReply(Result result, Position position) {
    /** What was done. */
    public enum Result {
        /** Installed. */
        APPLIED,
        /** Took the place of a pending write-back, and stays pending until the drain finds it at the primary. */
        SUPERSEDED,
        /** Forgotten, or turned into a pending delete. */
        DELETED,
        /** Not installed because the marker no longer held; forgotten instead. */
        SKIPPED,
        /** Something newer is there already. */
        OLDER,
        /** Withdrawn. */
        ABORTED
    }
}
