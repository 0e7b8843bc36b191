package dev.understudy.adapters.postgres;

import dev.understudy.spi.Primary.Use;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/**
 * How many connections each use may hold at a time: the drain one, commits a quarter of the pool, loads half, each at least
 * one; all together never more than the pool. Whoever waits is served in order of arrival. Thread-safe.
 */
final class ConnectionShares {
    private final Map<Use, Semaphore> shares = new EnumMap<>(Use.class);
    private final Semaphore pool;
    private final boolean isDrainApart;

    /** Shares of a pool; the drain does not count if it has a data source of its own. */
    ConnectionShares(int connections, boolean isDrainApart) {
        this.isDrainApart = isDrainApart;
        pool = new Semaphore(connections, true);
        shares.put(Use.DRAIN, new Semaphore(1, true));
        shares.put(Use.COMMIT, new Semaphore(Math.max(1, connections / 4), true));
        shares.put(Use.LOAD, new Semaphore(Math.max(1, connections / 2), true));
    }

    /**
     * Waits for a permit.
     *
     * @return what gives it back; to be run exactly once
     * @throws dev.understudy.spi.PrimaryFailure of kind NO_CONNECTION if the deadline passes or the thread is interrupted
     */
    Runnable acquire(Use use, Deadline deadline) {
        Semaphore share = shares.computeIfAbsent(use, absent -> new Semaphore(1, true));
        boolean isPooled = use != Use.DRAIN || !isDrainApart;
        await(share, use, deadline);
        if (!isPooled) {
            return share::release;
        }
        boolean isComplete = false;
        try {
            await(pool, use, deadline);
            isComplete = true;
        } finally {
            if (!isComplete) {
                share.release();
            }
        }
        return () -> {
            pool.release();
            share.release();
        };
    }

    private static void await(Semaphore permits, Use use, Deadline deadline) {
        try {
            if (!permits.tryAcquire(Math.max(0, deadline.nanosLeft()), TimeUnit.NANOSECONDS)) {
                throw Failures.noConnection("all connections that " + use + " may hold are in use");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Failures.noConnection("interrupted while waiting for a connection to the primary");
        }
    }
}
