package dev.understudy.spi;

import dev.understudy.model.Version;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The library's own tables at the primary, which make a drain safe: leases of shards with fencing epochs, tombstones, dead letters.
 * Every method works on the connection of the running transaction. Thread-safe.
 */
public interface DrainLedger {
    /**
     * How long after its acknowledgement a write may be put back that the shared replica has lost. Tombstones are kept for twice as long at
     * least, so that a write of before a delete is not put back after it.
     */
    Duration RESTORE_WINDOW = Duration.ofMinutes(5);

    /** Verifies that the tables are there and that the shards of the cache have their rows, inserting those missing. */
    void open(PrimaryConnection connection, String cache, int shards) throws Exception;

    /**
     * Takes the leases of those of the wanted shards that nobody else holds.
     *
     * @param owner one per start of an instance
     * @return the fencing epochs of the shards that are now the owner's
     */
    Map<Integer, Long> claim(
            PrimaryConnection connection, String cache, Set<Integer> wanted, String owner, Duration lease)
            throws Exception;

    /**
     * Locks the rows of the shards until the transaction ends and renews their leases: the fence of a drain's transaction.
     * Also bounds how long a frozen owner can hold the locks (half the lease) and how long a statement waits for a row.
     *
     * @return the shards that are still the owner's at that epoch; one that {@link #excludeDrain} keeps out at present is left out,
     *     or fails the fence as transient
     */
    Set<Integer> fence(
            PrimaryConnection connection, String cache, Map<Integer, Long> epochs, String owner, Duration lease)
            throws Exception;

    /**
     * As {@link #fence(PrimaryConnection, String, Map, String, Duration)}, and the tombstones of key texts: they are the newest until the
     * transaction ends, as {@link #excludeDrain} keeps further ones of the shards out.
     */
    default Fenced fence(
            PrimaryConnection connection,
            String cache,
            Map<Integer, Long> epochs,
            String owner,
            Duration lease,
            Collection<String> keys)
            throws Exception {
        Set<Integer> shards = fence(connection, cache, epochs, owner, lease);
        return new Fenced(shards, tombstones(connection, cache, keys));
    }

    /**
     * What a fence found.
     *
     * @param shards that are still the owner's
     * @param tombstones the newest by key text, where there is one
     */
    record Fenced(Set<Integer> shards, Map<String, Version> tombstones) {}

    /**
     * Notes that the owner drains the cache, until a lease from now unless it says so again.
     *
     * @return how many owners are noted, this one among them
     */
    int attend(PrimaryConnection connection, String cache, String owner, Duration lease) throws Exception;

    /** The owner does not drain the cache any more. */
    void leave(PrimaryConnection connection, String cache, String owner) throws Exception;

    /** Gives leases back, so that another instance need not wait for their end. */
    void release(PrimaryConnection connection, String cache, Map<Integer, Long> epochs, String owner) throws Exception;

    /**
     * Keeps every drain of the shards out until the transaction ends: for a delete of a key with a pending write, which the
     * drain must not insert between the delete's statement and its commit.
     */
    void excludeDrain(PrimaryConnection connection, String cache, Set<Integer> shards) throws Exception;

    /** Records deletes (key text to version); a tombstone keeps the highest version. Removes a few that are past retention. */
    void recordTombstones(PrimaryConnection connection, String cache, Map<String, Version> deleted) throws Exception;

    /** The newest tombstones of the key texts, as of now. */
    Map<String, Version> tombstones(PrimaryConnection connection, String cache, Collection<String> keys)
            throws Exception;

    /** Records dead letters; one of the same cache, key and version is recorded once. */
    void recordDeadLetters(PrimaryConnection connection, String cache, List<DeadLetter> letters) throws Exception;

    /** Whether that write lies in the dead letters. */
    boolean isDead(PrimaryConnection connection, String cache, String key, Version version) throws Exception;

    /** Dead letters of the cache, oldest first, at most so many. */
    List<DeadLetter> deadLetters(PrimaryConnection connection, String cache, int limit) throws Exception;

    /** Removes a dead letter; false if it is not there. */
    boolean discard(PrimaryConnection connection, String cache, String key, Version version) throws Exception;

    /**
     * A write that the primary refused.
     *
     * @param key canonical text
     * @param version the write's version
     * @param kind {@link EntryKind#VALUE} or {@link EntryKind#DELETED}
     * @param base the row's version when the run of writes began
     * @param payload the encoded value
     * @param sqlState why
     * @param message why, without keys or values
     * @param at when it was recorded; ignored on recording
     */
    record DeadLetter(
            String key,
            Version version,
            EntryKind kind,
            Version base,
            byte[] payload,
            String sqlState,
            String message,
            Instant at) {
        /** Keys and values never appear in logs or messages. */
        @Override
        public String toString() {
            return "DeadLetter[" + kind + ", " + version + ", " + sqlState + "]";
        }
    }
}
