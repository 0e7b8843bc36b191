package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Consistency;
import dev.understudy.model.OnPartition;
import java.time.Duration;

/**
 * The settings of one repository, complete and valid. Immutable.
 *
 * @param shards how many shards the cache has; the same for all instances
 * @param timeout of a call that names none
 * @param consistency of a read that names none
 * @param nearSize entries of the near replica; 0 for none
 * @param maxStaleness the bound that the near replica keeps; positions are pulled every third of it
 * @param nearTimeToLive of a near entry
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
        long nearSize,
        Duration maxStaleness,
        Duration nearTimeToLive,
        Duration timeToLive,
        Duration negativeTimeToLive,
        Duration marker,
        Duration lease,
        int maximumValueBytes,
        OnPartition onPartition,
        boolean writeBack,
        Back back) {

    /**
     * The settings of write-back.
     *
     * @param byDefault whether a write that names no mode is a write-back
     * @param ack of a write-back that names none
     * @param degradesOnAckTimeout whether a write whose ack level is not reached in time returns with {@code ACCEPTED} in its receipt
     *     instead of failing with unknown outcome
     * @param maximumPending pending keys, all shards together
     * @param overflow at that bound
     * @param delay how long a key stays pending at least, so that writes of it merge
     * @param batch rows of one drain transaction
     * @param lease how long a shard belongs to an instance that says nothing
     * @param drains whether this instance drains at all
     * @param parentWait how long a row whose parent row is missing stays pending before it goes to the dead letters
     */
    public record Back(
            boolean byDefault,
            Ack ack,
            boolean degradesOnAckTimeout,
            int maximumPending,
            Overflow overflow,
            Duration delay,
            int batch,
            Duration lease,
            boolean drains,
            Duration parentWait) {}
}
