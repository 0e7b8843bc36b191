package dev.understudy.demo;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import org.HdrHistogram.Histogram;

/** Threads that read and write for a while, each operation timed. A closed loop: a thread waits for each answer. */
final class Load {
    private static final double READS = 0.9;
    private static final long LONGEST_NANOS = TimeUnit.MINUTES.toNanos(1);

    private final Settings settings;
    private final Zipf zipf;

    Load(Settings settings, Zipf zipf) {
        this.settings = settings;
        this.zipf = zipf;
    }

    /** What a load did. */
    record Measured(Histogram readTimes, Histogram writeTimes, long failed, double seconds) {
        long readCount() {
            return readTimes.getTotalCount();
        }

        long writeCount() {
            return writeTimes.getTotalCount();
        }

        double perSecond() {
            return (readCount() + writeCount()) / seconds;
        }

        String reads(double percentile) {
            return micros(readTimes, percentile);
        }

        String writes(double percentile) {
            return micros(writeTimes, percentile);
        }

        private static String micros(Histogram times, double percentile) {
            double micros = times.getValueAtPercentile(percentile) / 1e3;
            return micros < 100
                    ? String.format(Locale.ROOT, "%.1f us", micros)
                    : String.format(Locale.ROOT, "%.2f ms", micros / 1e3);
        }
    }

    /** One thread's part. Confined to it until it has been joined. */
    private static final class Part extends Thread {
        private final Histogram readTimes = new Histogram(LONGEST_NANOS, 3);
        private final Histogram writeTimes = new Histogram(LONGEST_NANOS, 3);
        private final Zipf keys;
        private final LongConsumer read;
        private final Consumer<Product> write;
        private final long end;
        private long failed;

        Part(int number, Zipf keys, LongConsumer read, Consumer<Product> write, long end) {
            super("demo-load-" + number);
            this.keys = keys;
            this.read = read;
            this.write = write;
            this.end = end;
            setDaemon(true);
        }

        @Override
        public void run() {
            int writes = 0;
            for (long begin = System.nanoTime(); begin < end; begin = System.nanoTime()) {
                boolean isRead = keys.isRead(READS);
                long id = keys.next();
                try {
                    if (isRead) {
                        read.accept(id);
                    } else {
                        write.accept(Product.written(id, ++writes));
                    }
                    Histogram times = isRead ? readTimes : writeTimes;
                    times.recordValue(Math.min(LONGEST_NANOS, System.nanoTime() - begin));
                } catch (RuntimeException e) {
                    // Counted, shown and checked by the caller.
                    failed++;
                }
            }
        }
    }

    /** Runs for so long; the same keys in the same order each time. */
    Measured run(Duration duration, LongConsumer read, Consumer<Product> write) {
        long begin = System.nanoTime();
        long end = begin + duration.toNanos();
        List<Part> parts = new ArrayList<>();
        for (int i = 0; i < settings.threads(); i++) {
            parts.add(new Part(i, zipf.withSeed(settings.seed() + i), read, write, end));
        }
        parts.forEach(Thread::start);
        Histogram readTimes = new Histogram(LONGEST_NANOS, 3);
        Histogram writeTimes = new Histogram(LONGEST_NANOS, 3);
        long failed = 0;
        for (Part part : parts) {
            join(part);
            readTimes.add(part.readTimes);
            writeTimes.add(part.writeTimes);
            failed += part.failed;
        }
        return new Measured(readTimes, writeTimes, failed, (System.nanoTime() - begin) / 1e9);
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted", e);
        }
    }
}
