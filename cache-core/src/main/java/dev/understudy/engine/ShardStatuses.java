package dev.understudy.engine;

import dev.understudy.model.Lag;
import dev.understudy.model.Outcome;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.ShardStatus;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.List;

/** The counters of all shards of a cache. Thread-safe. */
final class ShardStatuses {
    private final Shards shards;

    ShardStatuses(Shards shards) {
        this.shards = shards;
    }

    /** Added up; each shard's are of one moment. {@code left} entries are left to other instances. */
    WriteBackStatus sum(Deadline deadline, long left) {
        List<Integer> all = shards.states().stream().map(state -> state.shard).toList();
        List<ShardStatus> statuses;
        try {
            statuses =
                    shards.callAll(all, i -> generation -> new SharedCommand.Status(all.get(i), generation), deadline);
        } catch (SharedReplicaFailure | GenerationChanged e) {
            throw Replies.shared(e, Outcome.NOT_APPLIED);
        }
        long acked = 0;
        long applied = 0;
        long superseded = 0;
        long dead = 0;
        long pending = 0;
        long lost = 0;
        long queued = 0;
        long bytes = 0;
        Duration oldest = Duration.ZERO;
        for (ShardStatus status : statuses) {
            acked += status.acked();
            applied += status.applied();
            superseded += status.superseded();
            dead += status.dead();
            pending += status.pending();
            lost += status.lost();
            queued += status.queued();
            bytes += status.bytes();
            oldest = oldest.compareTo(status.oldest()) > 0 ? oldest : status.oldest();
        }
        return new WriteBackStatus(
                acked, applied, superseded, dead, pending, lost, new Lag(queued, oldest, bytes), left);
    }
}
