package dev.understudy.benchmarks;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.redisson.api.RMap;
import org.redisson.api.map.MapWriter;

/** What Redisson calls to write: the upserts of the raw parts, one statement for each call. Thread-safe. */
final class RowWriter implements MapWriter<Long, Doc> {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final World world;
    private final AtomicLong marks = new AtomicLong();
    private final AtomicLong lastMark = new AtomicLong();
    private final Semaphore gate = new Semaphore(1);

    RowWriter(World world) {
        this.world = world;
    }

    /** Has writes wait until {@link #release}. */
    void hold() {
        gate.acquireUninterruptibly();
    }

    void release() {
        gate.release();
    }

    @Override
    public void write(Map<Long, Doc> rows) {
        gate.acquireUninterruptibly();
        gate.release();
        try {
            if (rows.size() == 1) {
                world.upsert(rows.values().iterator().next());
            } else {
                // In the order of the keys, so that no two calls wait for each other in a circle.
                Map<Long, Doc> sorted = new TreeMap<>(rows);
                world.upsert(
                        sorted.keySet().toArray(new Long[0]),
                        sorted.values().stream().map(Doc::body).toArray(String[]::new));
            }
        } catch (SQLException e) {
            throw new IllegalStateException("rows cannot be written", e);
        }
        rows.keySet().stream().filter(id -> id < 0).forEach(id -> lastMark.accumulateAndGet(-id, Math::max));
    }

    @Override
    public void delete(Collection<Long> keys) {
        throw new UnsupportedOperationException("no load deletes");
    }

    /** Waits until everything is written that the map was given before: a row of a negative key is put last. */
    void awaitBehind(RMap<Long, Doc> map) {
        long mark = marks.incrementAndGet();
        map.fastPut(-mark, Doc.of(-mark, 200, 0));
        long end = System.nanoTime() + LIMIT.toNanos();
        while (lastMark.get() < mark) {
            if (System.nanoTime() > end) {
                throw new IllegalStateException("not written behind within " + LIMIT);
            }
            LockSupport.parkNanos(500_000);
        }
    }
}
