package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Consistency;
import dev.understudy.model.OnConflict;
import dev.understudy.model.OnPartition;
import java.time.Duration;
import java.util.OptionalLong;

/**
 * The settings of one repository, complete and valid. Immutable.
 *
 * @param shards how many shards the cache has; the same for all instances
 * @param timeout of a call that names none
 * @param consistency of a read that names none
 * @param near the settings of the near replica
 * @param timeToLive of a clean entry of the shared replica, before jitter of a tenth
 * @param negativeTimeToLive of "there is no such row"
 * @param marker how long a write-through's marker holds: the longest commit
 * @param lease how long a fill may take
 * @param maximumValueBytes of an encoded value
 * @param onPartition what a write-through that names nothing does while the shared replica cannot be reached
 * @param writeBack whether write-back is allowed
 * @param back the settings of write-back
 */
public record RepositorySettings(
        int shards,
        Duration timeout,
        Consistency consistency,
        Near near,
        Duration timeToLive,
        Duration negativeTimeToLive,
        Duration marker,
        Duration lease,
        int maximumValueBytes,
        OnPartition onPartition,
        boolean writeBack,
        Back back) {

    /**
     * The settings of the near replica.
     *
     * @param entries at most; 0 for no near replica
     * @param bytes of encoded values, at most; 0 if entries are counted instead
     * @param encoded whether encoded bytes are kept and decoded for each read
     * @param maxStaleness the bound that the replica keeps; positions are pulled every third of it
     * @param timeToLive of an entry
     * @param refreshAhead how long before its end a hit renews an entry in the background; zero for never
     * @param maxStale how old an answer may be where there is no fresher one; zero for never
     * @param patience how long a load may take where there is an older answer
     */
    public record Near(
            long entries,
            long bytes,
            boolean encoded,
            Duration maxStaleness,
            Duration timeToLive,
            Duration refreshAhead,
            Duration maxStale,
            Duration patience) {
        boolean isWeighed() {
            return bytes > 0;
        }

        boolean isOn() {
            return entries > 0;
        }
    }

    /**
     * The settings of write-back.
     *
     * @param byDefault whether a write that names no mode is a write-back
     * @param ack of a write-back that names none
     * @param degradesOnAckTimeout whether a write whose ack level is not reached in time returns with {@code ACCEPTED} in its receipt
     *     instead of failing with unknown outcome
     * @param maximumPending pending keys, all shards together
     * @param maximumBytes of pending payloads, all shards together; empty: 64 MiB or a tenth of the shared replica's memory
     * @param maximumLag age of the oldest pending write
     * @param overflow at these bounds
     * @param delay how long a key stays pending at least, so that writes of it merge
     * @param batch rows of one drain transaction
     * @param lease how long a shard belongs to an instance that says nothing
     * @param drains whether this instance drains at all
     * @param parentWait how long a row whose foreign key does not hold stays pending before it goes to the dead letters
     * @param onConflict what happens to a pending write whose row was changed around the cache
     * @param restorableBytes of this instance's own payloads, kept until they are at the primary
     */
    public record Back(
            boolean byDefault,
            Ack ack,
            boolean degradesOnAckTimeout,
            int maximumPending,
            OptionalLong maximumBytes,
            Duration maximumLag,
            Overflow overflow,
            Duration delay,
            int batch,
            Duration lease,
            boolean drains,
            Duration parentWait,
            OnConflict onConflict,
            long restorableBytes) {}
}
