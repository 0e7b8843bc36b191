package dev.understudy.benchmarks;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Several ways to do the same thing, measured in turns: each repetition runs every way once, so that what else the machine does meets all of
 * them alike. A closed loop: a thread waits for each answer. Not thread-safe.
 */
final class Contest {
    private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(1);

    private static final Rest NONE = () -> {};

    private final Map<String, Entry> ways = new LinkedHashMap<>();
    private final int threads;

    Contest(int threads) {
        this.threads = threads;
    }

    /** One operation of a thread. */
    @FunctionalInterface
    interface Way {
        void run(int thread, long number) throws Exception;
    }

    /** What ends the work that a way leaves behind it. */
    @FunctionalInterface
    interface Rest {
        void await() throws Exception;
    }

    private record Entry(Way way, Rest rest) {}

    /** Medians over the repetitions. */
    record Result(double perSecond, double p50Micros, double p99Micros) {}

    Contest way(String name, Way way) {
        return way(name, way, NONE);
    }

    /** A way whose work goes on when its callers have been answered: the next one begins after the rest, which is not measured. */
    Contest way(String name, Way way, Rest rest) {
        ways.put(name, new Entry(way, rest));
        return this;
    }

    /** What each way did. */
    record Results(Map<String, Result> byName) {
        Result of(String name) {
            Result result = byName.get(name);
            if (result == null) {
                throw new IllegalArgumentException("no way is called " + name);
            }
            return result;
        }
    }

    /** Runs all ways in turns; the first round, which takes as long as the others, is not counted. */
    Results run(int repetitions, double seconds) throws Exception {
        return run(repetitions, seconds, seconds);
    }

    /** Runs all ways in turns; the first round, in which each way has that long to warm up, is not counted. */
    Results run(int repetitions, double seconds, double warmUp) throws Exception {
        Map<String, List<Result>> all = new LinkedHashMap<>();
        for (int round = 0; round <= repetitions; round++) {
            for (Map.Entry<String, Entry> way : ways.entrySet()) {
                Result result = once(way.getValue().way(), round == 0 ? warmUp : seconds);
                way.getValue().rest().await();
                if (round > 0) {
                    all.computeIfAbsent(way.getKey(), name -> new ArrayList<>()).add(result);
                }
            }
        }
        Map<String, Result> medians = new LinkedHashMap<>();
        all.forEach((name, results) -> medians.put(
                name,
                new Result(
                        Medians.median(results.stream().map(Result::perSecond).toList()),
                        Medians.median(results.stream().map(Result::p50Micros).toList()),
                        Medians.median(results.stream().map(Result::p99Micros).toList()))));
        return new Results(medians);
    }

    private Result once(Way way, double seconds) {
        CountDownLatch ready = new CountDownLatch(threads);
        List<Worker> workers = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            workers.add(new Worker(i, way, seconds, ready));
        }
        workers.forEach(Thread::start);
        Histogram times = new Histogram(LONGEST_NANOS, 3);
        long count = 0;
        long begin = Long.MAX_VALUE;
        long end = Long.MIN_VALUE;
        for (Worker worker : workers) {
            worker.await();
            times.add(worker.times);
            count += worker.count;
            begin = Math.min(begin, worker.begin);
            end = Math.max(end, worker.end);
        }
        // By the time that all took together: with more threads than processors they do not all run at once.
        double perSecond = count / ((end - begin) / 1e9);
        return new Result(perSecond, times.getValueAtPercentile(50) / 1e3, times.getValueAtPercentile(99) / 1e3);
    }

    /** One thread of a load. Its results are read after it has been joined. */
    private static final class Worker extends Thread {
        private final Histogram times = new Histogram(LONGEST_NANOS, 3);
        private final int number;
        private final Way way;
        private final double seconds;
        private final CountDownLatch ready;
        private long count;
        private long begin;
        private long end;
        private @Nullable Exception failure;

        Worker(int number, Way way, double seconds, CountDownLatch ready) {
            super("bench-" + number);
            this.number = number;
            this.way = way;
            this.seconds = seconds;
            this.ready = ready;
            setDaemon(true);
        }

        @Override
        public void run() {
            try {
                ready.countDown();
                ready.await();
                begin = System.nanoTime();
                long last = begin + (long) (seconds * 1e9);
                long before = begin;
                long done = 0;
                while (before < last) {
                    way.run(number, done++);
                    long after = System.nanoTime();
                    times.recordValue(Math.min(LONGEST_NANOS, after - before));
                    before = after;
                }
                end = before;
                count = done;
            } catch (Exception e) {
                failure = e;
            }
        }

        void await() {
            try {
                join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IllegalStateException("interrupted", e);
            }
            if (failure != null) {
                throw new IllegalStateException("a load failed", failure);
            }
        }
    }
}
