package dev.understudy.spi;

import dev.understudy.model.Version;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Changes of rows that the shared replica has not been told of, in a table at the primary. Who changes rows without the shared replica
 * takes note of it in the same transaction; any instance that reaches both takes the notes and delivers them. Every method works on the
 * connection of the running transaction. Thread-safe.
 *
 * <p>Notes are taken away, not passed over by a cursor, so a note that becomes visible late is only delivered late, never skipped.
 * Delivering one twice, or after a newer change of its key, is harmless.
 */
public interface Outbox {
    /** Why there is no outbox at this primary, with what to do about it; empty if there is one. */
    Optional<String> whyNot(PrimaryConnection connection) throws Exception;

    /**
     * Takes note of changes.
     *
     * @param changed key text to version; {@link Version#ABSENT} where the row was deleted or its version is not known
     */
    void record(PrimaryConnection connection, String cache, Map<String, Version> changed) throws Exception;

    /** Takes note that any row of the cache may have changed. */
    void recordAll(PrimaryConnection connection, String cache) throws Exception;

    /** Whether there is a note to be seen. One read, which changes nothing. */
    boolean hasAny(PrimaryConnection connection, String cache) throws Exception;

    /**
     * Takes notes away, oldest first, at most so many; they are back if the transaction does not commit.
     *
     * @param waits whether to wait for notes that another transaction has taken and not yet delivered; else they are passed over
     */
    List<Missed> take(PrimaryConnection connection, String cache, int limit, boolean waits) throws Exception;

    /**
     * One change.
     *
     * @param key canonical text, as the writer gave it; of no meaning if all changed
     * @param version of the row; {@link Version#ABSENT} if it was deleted or the version is not known
     * @param isAll whether any row of the cache may have changed
     */
    record Missed(String key, Version version, boolean isAll) {
        /** Keys never appear in logs or messages. */
        @Override
        public String toString() {
            return "Missed[" + version + (isAll ? ", all]" : "]");
        }
    }
}
