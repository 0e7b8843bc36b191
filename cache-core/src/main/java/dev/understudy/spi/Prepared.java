package dev.understudy.spi;

import dev.understudy.model.Version;

/**
 * A marker and what was found under it. Immutable.
 *
 * @param version allocated for the write, above everything known of the key
 * @param deadlineMicros until when the marker holds, by the shared replica's clock
 * @param preparedMicros when it was put there, by the same clock
 * @param pendingKind {@link EntryKind#VALUE} or {@link EntryKind#DELETED} if a write-back is pending, else
 *     {@link EntryKind#PLACEHOLDER}
 * @param pendingVersion the version of the pending write-back, else {@link Version#ABSENT}
 */
public record Prepared(
        Version version, long deadlineMicros, long preparedMicros, EntryKind pendingKind, Version pendingVersion) {
    /** Whether a write-back of the key waits for the drain. */
    public boolean hasPending() {
        return pendingKind != EntryKind.PLACEHOLDER;
    }
}
