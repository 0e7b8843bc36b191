package dev.understudy.benchmarks;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.understudy.CachedRepository;
import dev.understudy.Understudy;
import dev.understudy.adapters.caffeine.CaffeineNear;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Clock;
import dev.understudy.spi.InMemoryCodec;
import dev.understudy.spi.InMemoryPrimary;
import dev.understudy.spi.InMemorySharedServer;
import dev.understudy.spi.InMemoryStore;
import java.time.Duration;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
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

/**
 * {@code find} of rows that are all in the near replica, beside Caffeine's own {@code getIfPresent} with the same size, expiry and keys. The
 * announcements are followed and the positions pulled meanwhile, as in an application.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@State(Scope.Benchmark)
public class NearHit {
    static final int ROWS = 10_000;
    /** Twice the rows, so that nothing is evicted in either cache. */
    static final int SIZE = 2 * ROWS;

    private static final int MASK = (1 << 14) - 1;
    static final Duration LIFE = Duration.ofHours(1);

    static final List<Long> IDS = LongStream.range(0, ROWS).boxed().toList();

    private final Long[] keys = keys();
    private final Cache<Long, Doc> cache =
            Caffeine.newBuilder().maximumSize(SIZE).expireAfterWrite(LIFE).build();
    private final Understudy understudy = Understudy.builder()
            .namespace("bench")
            .shared(new InMemorySharedServer(Clock.SYSTEM)::connect)
            .primary(InMemoryPrimary::new)
            .near(new CaffeineNear())
            .codec(new InMemoryCodec())
            .build();
    private final CachedRepository<Long, Doc> docs = understudy
            .repository(new InMemoryStore<>("doc", Long.class, Doc.class, Versioning.column("us_version"), Doc::id))
            .near(near -> near.maximumSize(SIZE).timeToLive(LIFE))
            .build();

    /** The position of a thread in the sequence of keys. Confined to its thread. */
    @State(Scope.Thread)
    public static class Cursor {
        private int next = (int) System.nanoTime();

        int step() {
            return next++ & MASK;
        }
    }

    /** Fills both caches. */
    @Setup(Level.Trial)
    public void open() {
        for (Long id : IDS) {
            Doc doc = Doc.of(id, 200, 0);
            docs.save(doc);
            cache.put(id, doc);
        }
        docs.findAll(IDS);
    }

    /** The sequence of keys, each one of {@link #IDS}. */
    static Long[] keys() {
        SplittableRandom random = new SplittableRandom(1);
        Long[] keys = new Long[MASK + 1];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = IDS.get(random.nextInt(ROWS));
        }
        return keys;
    }

    /** Ends the instance. */
    @TearDown(Level.Trial)
    public void close() {
        if (docs.counters().nearHits.sum() < docs.counters().sharedHits.sum()) {
            throw new IllegalStateException("these were no near hits");
        }
        understudy.close(Duration.ofSeconds(5));
    }

    /** Caffeine alone. */
    @Benchmark
    @Threads(1)
    public @Nullable Object raw1(Cursor cursor) {
        return cache.getIfPresent(keys[cursor.step()]);
    }

    /** The library. */
    @Benchmark
    @Threads(1)
    public Object ours1(Cursor cursor) {
        return docs.find(keys[cursor.step()]);
    }

    /** Caffeine alone, two threads. */
    @Benchmark
    @Threads(2)
    public @Nullable Object raw2(Cursor cursor) {
        return cache.getIfPresent(keys[cursor.step()]);
    }

    /** The library, two threads. */
    @Benchmark
    @Threads(2)
    public Object ours2(Cursor cursor) {
        return docs.find(keys[cursor.step()]);
    }
}
