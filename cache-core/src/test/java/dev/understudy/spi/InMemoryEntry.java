package dev.understudy.spi;

import dev.understudy.model.Generation;
import dev.understudy.model.Version;

/**
 * One key's record of the in-memory shared replica: the fields of the scripts' byte layout, and when it expires. Immutable.
 *
 * @param kind what it says of the key
 * @param dirty whether it waits for the drain
 * @param own whether it carries an acknowledged write-back that no counter accounts for yet
 * @param generation the incarnation that wrote it
 * @param version of the value or tombstone
 * @param writeId the operation that wrote it
 * @param markers how many write-throughs are under way
 * @param markerDeadline until when the markers hold, in microseconds
 * @param forgottenAt when it was last forgotten or contradicted, in microseconds
 * @param first dirty: base; clean: the lease's id
 * @param second dirty: the highest version that the primary was heard to hold; clean: the lease's deadline
 * @param payload the encoded value
 * @param lifetimeMillis how long it lives from when it was stored; {@link #FOREVER} if it does not expire
 * @param expiresMillis when it expires, in milliseconds since 1970; {@link #FOREVER} if it does not
 */
public record InMemoryEntry(
        EntryKind kind,
        boolean dirty,
        boolean own,
        long generation,
        long version,
        long writeId,
        int markers,
        long markerDeadline,
        long forgottenAt,
        long first,
        long second,
        byte[] payload,
        long lifetimeMillis,
        long expiresMillis) {
    /** No expiry. */
    public static final long FOREVER = Long.MAX_VALUE;

    /** Whether there is a second block in the byte layout. */
    public boolean hasSecondBlock() {
        return dirty || first > 0 || forgottenAt > 0;
    }

    SharedEntry read() {
        return new SharedEntry(
                kind,
                dirty,
                new Generation(generation),
                new Version(version),
                writeId,
                markers,
                markerDeadline,
                dirty ? new Version(first) : Version.ABSENT,
                payload,
                0,
                payload.length);
    }

    /** Keys and values never appear in logs or messages. */
    @Override
    public String toString() {
        return "InMemoryEntry[" + kind + (dirty ? " dirty" : "") + (own ? " own" : "") + ", version=" + version
                + ", markers=" + markers + ", first=" + first + ", second=" + second + ", " + payload.length
                + " bytes]";
    }
}
