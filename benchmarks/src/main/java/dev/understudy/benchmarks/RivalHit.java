package dev.understudy.benchmarks;

import com.alicp.jetcache.Cache;
import dev.understudy.servers.RedisServer;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.redisson.api.RLocalCachedMap;

/** The near hits of other libraries, with the rows, keys, size and expiry of {@link NearHit}; they need a Redis for it. */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@State(Scope.Benchmark)
public class RivalHit {
    private final Long[] keys = NearHit.keys();
    private final RedisServer redis = RedisServer.builder().start();
    private final Rivals rivals = new Rivals(redis.uri());
    private final RLocalCachedMap<Long, Doc> redisson =
            rivals.redisson("near", NearHit.SIZE, NearHit.LIFE, options -> options);
    private final Cache<Long, Doc> jetCache = rivals.jetCache("near", NearHit.SIZE, NearHit.LIFE);

    /** Fills both near replicas. */
    @Setup(Level.Trial)
    public void open() {
        Map<Long, Doc> docs = new HashMap<>();
        for (Long id : NearHit.IDS) {
            docs.put(id, Doc.of(id, 200, 0));
        }
        redisson.putAll(docs, 1_000);
        if (!jetCache.PUT_ALL(docs).isSuccess()) {
            throw new IllegalStateException("JetCache did not put the rows");
        }
    }

    /** Ends both, and the server. */
    @TearDown(Level.Trial)
    public void close() {
        int cached = redisson.getCachedMap().size();
        rivals.close();
        redis.close();
        if (cached < NearHit.ROWS) {
            throw new IllegalStateException("these were no near hits");
        }
    }

    /** Redisson. */
    @Benchmark
    @Threads(1)
    public @Nullable Object redisson1(NearHit.Cursor cursor) {
        return redisson.get(keys[cursor.step()]);
    }

    /** Redisson, two threads. */
    @Benchmark
    @Threads(2)
    public @Nullable Object redisson2(NearHit.Cursor cursor) {
        return redisson.get(keys[cursor.step()]);
    }

    /** JetCache. */
    @Benchmark
    @Threads(1)
    public @Nullable Object jetCache1(NearHit.Cursor cursor) {
        return jetCache.get(keys[cursor.step()]);
    }

    /** JetCache, two threads. */
    @Benchmark
    @Threads(2)
    public @Nullable Object jetCache2(NearHit.Cursor cursor) {
        return jetCache.get(keys[cursor.step()]);
    }
}
