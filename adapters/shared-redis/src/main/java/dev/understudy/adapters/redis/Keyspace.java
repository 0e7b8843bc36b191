package dev.understudy.adapters.redis;

import java.nio.charset.StandardCharsets;

/**
 * The names of one cache's keys and its channel. Immutable. What a user chooses never stands between braces: the part in
 * braces decides the slot of a key, and all keys of a shard are in one.
 *
 * <pre>
 * namespace:{cache}:shards       how many shards
 * namespace:{cache.shard}:m      meta
 * namespace:{cache.shard}:q      queue
 * namespace:{cache.shard}:e:key  entry
 * namespace:cache:changes        channel
 * </pre>
 */
final class Keyspace {
    private final String namespace;
    private final String cache;
    private final byte[] channel;
    private final byte[][] prefixes;
    private final byte[][] metas;
    private final byte[][] queues;

    Keyspace(String namespace, String cache, int shards) {
        this.namespace = namespace;
        this.cache = cache;
        this.channel = Request.text(channelName());
        this.prefixes = new byte[shards][];
        this.metas = new byte[shards][];
        this.queues = new byte[shards][];
        for (int i = 0; i < shards; i++) {
            String shard = namespace + ":{" + cache + "." + i + "}:";
            prefixes[i] = Request.text(shard + "e:");
            metas[i] = Request.text(shard + "m");
            queues[i] = Request.text(shard + "q");
        }
    }

    /** The cache's name. */
    String cache() {
        return cache;
    }

    int shards() {
        return metas.length;
    }

    String channelName() {
        return namespace + ":" + cache + ":changes";
    }

    byte[] channel() {
        return channel;
    }

    byte[] shardCount() {
        return Request.text(namespace + ":{" + cache + "}:shards");
    }

    byte[] prefix(int shard) {
        return prefixes[shard];
    }

    byte[] meta(int shard) {
        return metas[shard];
    }

    byte[] queue(int shard) {
        return queues[shard];
    }

    byte[] entry(int shard, byte[] key) {
        byte[] prefix = prefixes[shard];
        byte[] name = new byte[prefix.length + key.length];
        System.arraycopy(prefix, 0, name, 0, prefix.length);
        System.arraycopy(key, 0, name, prefix.length, key.length);
        return name;
    }

    static byte[] bytes(String key) {
        return key.getBytes(StandardCharsets.UTF_8);
    }
}
