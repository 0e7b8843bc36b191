package dev.understudy.model;

import java.nio.charset.StandardCharsets;

/**
 * A key's canonical text and its shard, the unit of ordering and ownership. Immutable.
 *
 * @param shard 0 to the cache's shard count less one
 * @param text canonical text, at most 512 bytes of UTF-8
 */
public record ShardKey(int shard, String text) {
    /** The address of a key text in a cache of so many shards. */
    public static ShardKey of(String text, int shards) {
        return new ShardKey(Math.floorMod(murmur3(text.getBytes(StandardCharsets.UTF_8)), shards), text);
    }

    /** The key's 64-bit hash, which stands for it where keys do not appear: FNV-1a (Fowler, Noll, Vo) of the text in UTF-8. */
    public long hash() {
        long h = 0xcbf29ce484222325L;
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            h = (h ^ (b & 0xff)) * 0x100000001b3L;
        }
        return h;
    }

    /** Keys and values never appear in logs or messages. */
    @Override
    public String toString() {
        return "ShardKey[shard=" + shard + "]";
    }

    /** MurmurHash3, 32 bits, seed 0 (Austin Appleby, public domain reference implementation). */
    private static int murmur3(byte[] data) {
        int h = 0;
        int blocks = data.length / 4;
        for (int i = 0; i < blocks; i++) {
            int k = (data[4 * i] & 0xff)
                    | (data[4 * i + 1] & 0xff) << 8
                    | (data[4 * i + 2] & 0xff) << 16
                    | (data[4 * i + 3] & 0xff) << 24;
            h = Integer.rotateLeft(h ^ mixed(k), 13) * 5 + 0xe6546b64;
        }
        int k = 0;
        for (int i = data.length - 1; i >= blocks * 4; i--) {
            k = k << 8 | (data[i] & 0xff);
        }
        h ^= mixed(k) ^ data.length;
        h = (h ^ h >>> 16) * 0x85ebca6b;
        h = (h ^ h >>> 13) * 0xc2b2ae35;
        return h ^ h >>> 16;
    }

    private static int mixed(int k) {
        return Integer.rotateLeft(k * 0xcc9e2d51, 15) * 0x1b873593;
    }
}
