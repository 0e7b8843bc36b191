package dev.understudy.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;

/** Threads that write a range of keys once, each key by one of them, and the rate at which they do. Runs once. */
final class RatedWriters {
    private static final int PARTS = 10;

    private final int threads;
    private final long from;
    private final int count;
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong next = new AtomicLong();
    private final AtomicLongArray ends = new AtomicLongArray(PARTS + 1);
    private final ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();

    RatedWriters(int threads, long from, int count) {
        this.threads = threads;
        this.from = from;
        this.count = count;
    }

    /** One write of that key by that thread; returns once it is acknowledged. */
    @FunctionalInterface
    interface Writing {
        void write(int thread, long id);
    }

    /**
     * Keys a second.
     *
     * @param mean of all
     * @param last of the last tenth
     */
    record Rates(double mean, double last) {
        @Override
        public String toString() {
            return "%.0f (last tenth %.0f)".formatted(mean, last);
        }
    }

    Rates run(Writing writing) {
        List<Thread> all = new ArrayList<>();
        ends.set(0, System.nanoTime());
        for (int i = 0; i < threads; i++) {
            int thread = i;
            all.add(new Thread(() -> write(thread, writing), "writer-" + i));
        }
        all.forEach(Thread::start);
        for (Thread thread : all) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
        }
        assertThat(failures).isEmpty();
        return new Rates(rate(0), rate(PARTS - 1));
    }

    private double rate(int sinceEndOf) {
        double seconds = (ends.get(PARTS) - ends.get(sinceEndOf)) / 1e9;
        return (double) count * (PARTS - sinceEndOf) / PARTS / seconds;
    }

    private void write(int thread, Writing writing) {
        try {
            for (long i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                writing.write(thread, from + i);
                long written = done.incrementAndGet();
                if (written * PARTS % count == 0) {
                    ends.set((int) (written * PARTS / count), System.nanoTime());
                }
            }
        } catch (RuntimeException e) {
            failures.add(e);
        }
    }
}
