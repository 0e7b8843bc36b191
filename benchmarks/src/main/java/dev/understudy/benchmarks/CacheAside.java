package dev.understudy.benchmarks;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.lettuce.core.SetArgs;
import io.lettuce.core.api.sync.RedisCommands;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * The raw parts put together by hand: Caffeine, then {@code GET}, then {@code SELECT}; a write is an upsert, a {@code SET} and an invalidation
 * of this process's own near entry. Thread-safe.
 */
final class CacheAside implements Client {
    private static final Duration SHARED_LIFE = Duration.ofMinutes(10);

    private final World world;
    private final String prefix;
    private final RedisCommands<String, String> redis;
    private final Cache<Long, Doc> near;
    private final LongAdder nearHits = new LongAdder();
    private final LongAdder sharedHits = new LongAdder();

    /**
     * A client whose caches are empty.
     *
     * @param prefix of its keys in Redis, which nobody else's have
     */
    CacheAside(World world, String prefix, long nearSize) {
        this.world = world;
        this.prefix = prefix;
        this.redis = world.redis().sync();
        this.near = Caffeine.newBuilder()
                .maximumSize(nearSize)
                .expireAfterWrite(Rivals.NEAR_LIFE)
                .build();
    }

    @Override
    public @Nullable Doc read(long id) throws Exception {
        Doc cached = near.getIfPresent(id);
        if (cached != null) {
            nearHits.increment();
            return cached;
        }
        String body = redis.get(prefix + id);
        if (body != null) {
            sharedHits.increment();
            Doc doc = new Doc(id, body);
            near.put(id, doc);
            return doc;
        }
        Doc row = world.select(id);
        if (row != null) {
            set(row);
            near.put(id, row);
        }
        return row;
    }

    @Override
    public void write(Doc doc) throws Exception {
        world.upsert(doc);
        set(doc);
        near.invalidate(doc.id());
    }

    private void set(Doc doc) {
        redis.set(prefix + doc.id(), doc.body(), SetArgs.Builder.ex(SHARED_LIFE));
    }

    /** Reads that its own memory answered. */
    long nearHits() {
        return nearHits.sum();
    }

    /** Reads that Redis answered. */
    long sharedHits() {
        return sharedHits.sum();
    }
}
