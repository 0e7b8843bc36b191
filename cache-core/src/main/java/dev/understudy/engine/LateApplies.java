package dev.understudy.engine;

import dev.understudy.model.Generation;
import dev.understudy.spi.ApplyReply;
import dev.understudy.spi.Clock;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.Function;

/**
 * Outcomes of write-throughs that the shared replica has not heard yet. Thread-safe. At most {@link #LIMIT}; past that the oldest are
 * left to the expiry of their markers.
 */
final class LateApplies {
    private static final int LIMIT = 10_000;
    private static final int BATCH = 500;

    private final Queue<Late> queue = new ArrayDeque<>();

    private record Late(Shards shards, int shard, Function<Generation, SharedCommand<ApplyReply>> command) {}

    void add(int shard, Function<Generation, SharedCommand<ApplyReply>> command, Shards shards) {
        synchronized (queue) {
            if (queue.size() == LIMIT) {
                queue.remove();
            }
            queue.add(new Late(shards, shard, command));
        }
    }

    int size() {
        synchronized (queue) {
            return queue.size();
        }
    }

    /** Tells what can be told now; the rest stays. */
    void retry(Clock clock, Duration timeout) {
        List<Late> batch = new ArrayList<>();
        synchronized (queue) {
            while (batch.size() < BATCH && !queue.isEmpty()) {
                batch.add(queue.remove());
            }
        }
        Deadline deadline = Deadline.after(clock, timeout);
        for (Late one : batch) {
            List<Shards.Reply<ApplyReply>> reply =
                    one.shards().attemptAll(List.of(one.shard()), i -> one.command(), deadline);
            if (reply.get(0).failure() != null) {
                add(one.shard(), one.command(), one.shards());
            }
        }
    }
}
