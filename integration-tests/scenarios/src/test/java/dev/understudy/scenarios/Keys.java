package dev.understudy.scenarios;

import dev.understudy.model.ShardKey;

/** Keys by the shard they fall into. */
final class Keys {
    private Keys() {}

    /** Another key of the same shard, above it. */
    static long neighbour(long key) {
        for (long other = key + 1_000; ; other++) {
            if (shardOf(other) == shardOf(key)) {
                return other;
            }
        }
    }

    static int shardOf(long key) {
        return ShardKey.of(Long.toString(key), Instances.SHARDS).shard();
    }
}
