package dev.understudy.engine;

import dev.understudy.model.Version;
import java.util.Optional;

/**
 * A value in the near replica. Immutable.
 *
 * @param value what a hit returns, as it is; empty for "no such row"
 * @param version its version; {@link Version#ABSENT} for "no such row"
 * @param shard the shard whose announcements govern it
 * @param epoch the shard's epoch when the load began
 * @param expiresAt on the engine's clock
 */
record NearEntry<V>(Optional<V> value, Version version, ShardState shard, int epoch, long expiresAt) {
    /** Whether everything applied {@code staleness} nanoseconds before {@code now} is contained. */
    boolean isFresh(long now, long staleness) {
        return epoch == shard.epoch() && now - shard.confirmedAt() <= staleness && now - expiresAt < 0;
    }

    /** Values never appear in logs or messages. */
    @Override
    public String toString() {
        return "NearEntry[" + version + "]";
    }
}
