package dev.understudy.engine;

import dev.understudy.model.Version;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A value in the near replica. Immutable, and small: what a hit costs beside the lookup is the memory that it looks at.
 *
 * @param value what a hit returns, as it is; empty for "no such row", and where {@code sealed} is set
 * @param sealed the encoded value, for replicas that keep bytes; not changed by anybody
 * @param weight bytes, about; 1 where nothing is weighed
 * @param version its version; {@link Version#ABSENT} for "no such row"
 * @param shard the shard whose announcements govern it
 * @param epoch the shard's epoch when the load began
 * @param began when the load began, on the engine's clock: the value was current then or later
 * @param renewAt when a hit begins to renew it: the end of its time to live, or earlier by what {@link NearTier} renews ahead
 */
@SuppressWarnings("ArrayRecordComponent") // compared by nobody; the map stores and removes by identity
record NearEntry<V>(
        Optional<V> value,
        byte @Nullable [] sealed,
        int weight,
        Version version,
        ShardState shard,
        int epoch,
        long began,
        long renewAt) {
    /** Whether everything applied {@code staleness} nanoseconds before {@code now} is contained, and nothing is to be done about it yet. */
    boolean isFresh(long now, long staleness) {
        return isCurrent(now, staleness) && now - renewAt < 0;
    }

    /** Whether everything applied and announced {@code staleness} nanoseconds before {@code now} is contained. */
    boolean isCurrent(long now, long staleness) {
        return epoch == shard.epoch() && now - shard.confirmedAt() <= staleness;
    }

    /** Whether it says "no such row". */
    boolean isNegative() {
        return sealed == null && value.isEmpty();
    }

    /** How old the entry's data can be at most: it was current when its load began, and when its shard was last confirmed. */
    long ageNanos(long now) {
        long sinceLoad = now - began;
        return Math.max(0, epoch == shard.epoch() ? Math.min(sinceLoad, now - shard.confirmedAt()) : sinceLoad);
    }

    /** Values never appear in logs or messages. */
    @Override
    public String toString() {
        return "NearEntry[" + version + "]";
    }
}
