package dev.understudy;

import dev.understudy.engine.Counters;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.Lag;
import dev.understudy.model.NearStatus;
import dev.understudy.model.Read;
import dev.understudy.model.Versioned;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A table's rows, read from the nearest replica that is fresh enough and written through or back. Thread-safe.
 *
 * <p>Values are immutable by contract: a near hit returns the very object that was stored. Every method waits at most for its timeout and
 * fails with an {@link dev.understudy.model.UnderstudyException} that tells what is known of the outcome. Null arguments are
 * refused.
 *
 * @param <K> Long, Integer, String, UUID or a record of these
 * @param <V> rows
 */
public interface CachedRepository<K, V> {
    /** The row, as fresh as the repository's consistency asks. */
    Optional<V> find(K key);

    /** The rows that exist, in the order of the keys; one round trip to the shared replica, one statement to the primary. */
    Map<K, V> findAll(Collection<K> keys);

    /** The row with its version, age bound and serving tier. */
    Versioned<V> read(K key, Read options);

    /** The same for many keys; an answer for every key. */
    Map<K, Versioned<V>> readAll(Collection<K> keys, Read options);

    /**
     * Writes a row that must not exist yet.
     *
     * @throws dev.understudy.model.Conflict if it exists
     */
    default WriteReceipt insert(V value) {
        return insert(value, Write.defaults());
    }

    /** The same with options. */
    WriteReceipt insert(V value, Write options);

    /** The same for many rows: write-through all or none, write-back each by itself. */
    Map<K, WriteReceipt> insertAll(Collection<V> values, Write options);

    /** Inserts or updates a row. */
    default WriteReceipt save(V value) {
        return save(value, Write.defaults());
    }

    /** The same with options. */
    WriteReceipt save(V value, Write options);

    /**
     * The same for many rows: write-through all or none, write-back each by itself. All go at once: memory, a transaction and its locks grow with
     * them, and the shared replica is not sent more commands at a time than its adapter allows (10,000 unless told, over all callers). For very
     * many, {@link Write#inChunksOf}.
     *
     * @throws dev.understudy.model.PartlyWritten if a chunk fails that is not the first, whatever the reason; that is the cause
     */
    default Map<K, WriteReceipt> saveAll(Collection<V> values) {
        return saveAll(values, Write.defaults());
    }

    /** The same with options. */
    Map<K, WriteReceipt> saveAll(Collection<V> values, Write options);

    /**
     * Replaces a row that must exist by the function's result, compare-and-set: two callers that change different fields lose nothing.
     * The function may run several times and must not block.
     *
     * @throws dev.understudy.model.Conflict if there is no row, or others change it all the time
     */
    default WriteReceipt update(K key, UnaryOperator<V> change) {
        return update(key, change, Write.defaults());
    }

    /** The same with options. */
    WriteReceipt update(K key, UnaryOperator<V> change, Write options);

    /** Replaces rows that must exist, without regard to what they hold: write-through all or none, write-back each by itself. */
    Map<K, WriteReceipt> updateAll(Collection<V> values, Write options);

    /** Deletes a row; a row that does not exist is no error. */
    default WriteReceipt delete(K key) {
        return delete(key, Write.defaults());
    }

    /** The same with options. */
    WriteReceipt delete(K key, Write options);

    /** The same for many keys: write-through all or none, write-back each by itself. */
    default Map<K, WriteReceipt> deleteAll(Collection<K> keys) {
        return deleteAll(keys, Write.defaults());
    }

    /** The same with options. */
    Map<K, WriteReceipt> deleteAll(Collection<K> keys, Write options);

    /** Makes all replicas of all instances forget the rows: for changes made elsewhere. */
    void invalidate(Collection<K> keys);

    /** How far the primary trails the acknowledged write-backs, over all instances. */
    Lag lag();

    /** What became of the acknowledged write-backs, over all instances. */
    WriteBackStatus writeBackStatus();

    /**
     * Waits until nothing is pending, at most so long, also while the shared replica is away; answers how many entries are left.
     *
     * @throws dev.understudy.model.Unavailable if the shared replica was away all the time
     */
    long drain(Duration timeout);

    /** Acknowledged write-backs that the primary refused, oldest first, at most so many. */
    List<DeadLetter<K, V>> deadLetters(int limit);

    /**
     * Writes a dead letter's value through and discards the letter.
     *
     * @throws dev.understudy.model.Conflict if the row was changed or deleted after the letter's write
     */
    WriteReceipt retry(DeadLetter<K, V> letter);

    /** Gives a dead letter up; false if it is not there any more. */
    boolean discard(DeadLetter<K, V> letter);

    /** Stops draining in this instance. Others go on. */
    void pauseDrain();

    /** Goes on draining in this instance. */
    void resumeDrain();

    /** Where this instance's near replica stands, and which tier answered its reads. */
    NearStatus nearStatus();

    /** What this instance has done for the repository since it was built. */
    Counters counters();

    /**
     * The same repository inside a session: reads see what the session wrote and never go back behind what it saw, on any instance; writes
     * are ordered after both.
     */
    CachedRepository<K, V> in(Session session);

    /** The same repository with stages for results. */
    AsyncCachedRepository<K, V> async();
}
