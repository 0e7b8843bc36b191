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
import org.openjdk.jmh.annotations.CompilerControl;
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
 * announcements are followed and the positions pulled meanwhile, as in an application. Both in one JVM, an iteration each in turns: what else the
 * machine does, and whose memory is in its caches, lasts longer than an iteration and meets both alike.
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

    private boolean isOurTurn = true;
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
        System.gc(); // as after some time of work: entries lie close together, with nothing between them that is dead
    }

    /** The sequence of keys: equal to those of {@link #IDS}, but objects of their own, as an application's are. */
    static Long[] keys() {
        SplittableRandom random = new SplittableRandom(1);
        Long[] keys = new Long[MASK + 1];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = (long) random.nextInt(ROWS);
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

    /** Whose turn it is: even iterations are Caffeine's, odd ones the library's. */
    @Setup(Level.Iteration)
    public void turn() {
        isOurTurn = !isOurTurn;
    }

    /** One way or the other, one thread. */
    @Benchmark
    @Threads(1)
    public @Nullable Object turns1(Cursor cursor) {
        return isOurTurn ? ours(cursor) : raw(cursor);
    }

    /** One way or the other, two threads. */
    @Benchmark
    @Threads(2)
    public @Nullable Object turns2(Cursor cursor) {
        return isOurTurn ? ours(cursor) : raw(cursor);
    }

    /** Caffeine alone. */
    @CompilerControl(CompilerControl.Mode.DONT_INLINE)
    @Nullable
    Object raw(Cursor cursor) {
        return cache.getIfPresent(keys[cursor.step()]);
    }

    /** The library. */
    @CompilerControl(CompilerControl.Mode.DONT_INLINE)
    Object ours(Cursor cursor) {
        return docs.find(keys[cursor.step()]);
    }
}
