package dev.understudy.spi;

import dev.understudy.model.Generation;
import dev.understudy.model.Version;

/**
 * One key's record in the shared replica as it was read. Immutable by contract: nobody writes to {@link #bytes}.
 *
 * @param kind what it says of the key
 * @param pending whether an acknowledged write waits here for the drain
 * @param generation the incarnation of the data that wrote it
 * @param version the version of the value or tombstone
 * @param writeId the operation that wrote it; 0 if it came from the primary
 * @param writers how many write-throughs have a marker on it
 * @param markerDeadline until when the markers hold, in microseconds of the shared replica's clock; 0 without markers
 * @param base of a pending entry: the row's version when its run of writes began ({@link Version#ABSENT} no row,
 *     {@link Version#UNKNOWN} not known)
 * @param bytes an array that holds the payload
 * @param offset where the payload begins
 * @param length how many bytes it has
 */
public record SharedEntry(
        EntryKind kind,
        boolean pending,
        Generation generation,
        Version version,
        long writeId,
        int writers,
        long markerDeadline,
        Version base,
        byte[] bytes,
        int offset,
        int length) {

    /** A copy of the payload. */
    public byte[] payload() {
        byte[] copy = new byte[length];
        System.arraycopy(bytes, offset, copy, 0, length);
        return copy;
    }

    /** Whether a writer vanished: a marker's deadline has passed, so what the primary holds is not known. */
    public boolean isSuspect(long nowMicros) {
        return writers > 0 && markerDeadline < nowMicros;
    }

    /** Values never appear in logs or messages. */
    @Override
    public String toString() {
        return "SharedEntry[" + kind + (pending ? " pending" : "") + ", version=" + version.value() + ", writers="
                + writers + ", " + length + " bytes]";
    }
}
