package dev.understudy.benchmarks;

import com.alicp.jetcache.Cache;
import com.alicp.jetcache.CacheBuilder;
import com.alicp.jetcache.SimpleCacheManager;
import com.alicp.jetcache.anno.CacheConsts;
import com.alicp.jetcache.anno.CacheType;
import com.alicp.jetcache.embedded.CaffeineCacheBuilder;
import com.alicp.jetcache.redis.lettuce.JetCacheCodec;
import com.alicp.jetcache.redis.lettuce.LettuceConnectionManager;
import com.alicp.jetcache.redis.lettuce.RedisLettuceCacheBuilder;
import com.alicp.jetcache.support.Fastjson2KeyConvertor;
import com.alicp.jetcache.support.Kryo5ValueDecoder;
import com.alicp.jetcache.support.Kryo5ValueEncoder;
import com.alicp.jetcache.template.CacheBuilderTemplate;
import com.alicp.jetcache.template.QuickConfig;
import io.lettuce.core.RedisClient;
import java.time.Duration;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.redisson.Redisson;
import org.redisson.api.RLocalCachedMap;
import org.redisson.api.RMap;
import org.redisson.api.RedissonClient;
import org.redisson.api.map.WriteMode;
import org.redisson.api.options.LocalCachedMapOptions;
import org.redisson.api.options.LocalCachedMapOptions.CacheProvider;
import org.redisson.api.options.LocalCachedMapOptions.EvictionPolicy;
import org.redisson.api.options.LocalCachedMapOptions.SyncStrategy;
import org.redisson.config.Config;

/**
 * One instance each of the libraries that an application could take instead, as their documentation sets them up; the near replica of both is
 * Caffeine, with the size and the time to live that the caller names. Thread-safe.
 */
final class Rivals implements AutoCloseable {
    static final String REDISSON = "Redisson";
    static final String JETCACHE = "JetCache";

    /** The defaults of the library's near replica. */
    static final int NEAR_SIZE = 10_000;

    static final Duration NEAR_LIFE = Duration.ofSeconds(60);
    private static final Duration SHARED_LIFE = Duration.ofMinutes(10);

    private final RedissonClient redisson;
    private final RedisClient lettuce;
    private final SimpleCacheManager jetCaches = new SimpleCacheManager();

    Rivals(String redisUri) {
        Config config = new Config();
        config.useSingleServer().setAddress(redisUri);
        redisson = Redisson.create(config);
        lettuce = RedisClient.create(redisUri);
        jetCaches.setCacheBuilderTemplate(template(lettuce));
    }

    @SuppressWarnings({"unchecked", "rawtypes", "varargs"}) // its builders are raw types
    private static CacheBuilderTemplate template(RedisClient client) {
        CacheBuilder local =
                CaffeineCacheBuilder.createCaffeineCacheBuilder().keyConvertor(Fastjson2KeyConvertor.INSTANCE);
        CacheBuilder remote = RedisLettuceCacheBuilder.createRedisLettuceCacheBuilder()
                .keyConvertor(Fastjson2KeyConvertor.INSTANCE)
                .valueEncoder(Kryo5ValueEncoder.INSTANCE)
                .valueDecoder(Kryo5ValueDecoder.INSTANCE)
                .redisClient(client)
                .pubSubConnection(client.connectPubSub(new JetCacheCodec()))
                .broadcastChannel("jetcache");
        return new CacheBuilderTemplate(
                false, Map.of(CacheConsts.DEFAULT_AREA, local), Map.of(CacheConsts.DEFAULT_AREA, remote));
    }

    /** A map of Redisson without near replica. */
    RMap<Long, Doc> redissonMap(String name) {
        return redisson.getMap(name);
    }

    /** A map of Redisson with a near replica. */
    RLocalCachedMap<Long, Doc> redisson(
            String name, int size, Duration life, UnaryOperator<LocalCachedMapOptions<Long, Doc>> settings) {
        return redisson.getLocalCachedMap(settings.apply(LocalCachedMapOptions.<Long, Doc>name(name)
                .cacheProvider(CacheProvider.CAFFEINE)
                .evictionPolicy(EvictionPolicy.LRU)
                .cacheSize(size)
                .timeToLive(life)
                .syncStrategy(SyncStrategy.INVALIDATE)));
    }

    /** The same, which writes through. */
    RLocalCachedMap<Long, Doc> redissonThrough(String name, RowWriter writer) {
        return redisson(
                name, NEAR_SIZE, NEAR_LIFE, options -> options.writer(writer).writeMode(WriteMode.WRITE_THROUGH));
    }

    /** The same, which writes behind with the batch and the delay that its documentation names as defaults. */
    RLocalCachedMap<Long, Doc> redissonBehind(String name, RowWriter writer) {
        return redisson(
                name,
                NEAR_SIZE,
                NEAR_LIFE,
                options -> options.writer(writer)
                        .writeMode(WriteMode.WRITE_BEHIND)
                        .writeBehindBatchSize(50)
                        .writeBehindDelay(1_000));
    }

    /** A cache of JetCache in Redis alone. */
    Cache<Long, Doc> jetCacheRemote(String name) {
        return jetCaches.getOrCreateCache(QuickConfig.newBuilder(name)
                .expire(SHARED_LIFE)
                .cacheType(CacheType.REMOTE)
                .build());
    }

    /** A cache of JetCache of two levels, whose writes invalidate the first one of other instances. */
    Cache<Long, Doc> jetCache(String name, int size, Duration life) {
        return jetCaches.getOrCreateCache(QuickConfig.newBuilder(name)
                .expire(life.compareTo(SHARED_LIFE) > 0 ? life : SHARED_LIFE)
                .localExpire(life)
                .localLimit(size)
                .cacheType(CacheType.BOTH)
                .syncLocal(true)
                .build());
    }

    /** Waits for the answer, which {@code Cache.put} does not. */
    static void put(Cache<Long, Doc> cache, Doc doc) {
        if (!cache.PUT(doc.id(), doc).isSuccess()) {
            throw new IllegalStateException("JetCache did not put a row");
        }
    }

    @Override
    public void close() {
        redisson.shutdown();
        jetCaches.close();
        LettuceConnectionManager.defaultManager().removeAndClose(lettuce);
        lettuce.shutdown(Duration.ZERO, Duration.ofSeconds(2));
    }
}
