package dev.understudy.engine;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How old something was, as counts in classes of a sixteenth of each power of two. Thread-safe.
 *
 * <p>Source: the bucket layout of HdrHistogram (G. Tene) with four bits of precision.
 */
final class Ages {
    private static final int BITS = 4;
    private static final int CLASSES = (64 - BITS) << BITS;

    private final AtomicLongArray counts = new AtomicLongArray(CLASSES);

    void add(long nanos) {
        counts.incrementAndGet(classOf(Math.max(0, nanos)));
    }

    /** The age that so many of a hundred did not exceed, to the class's upper end; zero if there is none. */
    Duration percentile(double percent) {
        long total = 0;
        for (int i = 0; i < CLASSES; i++) {
            total += counts.get(i);
        }
        long wanted = (long) Math.ceil(total * percent / 100);
        long seen = 0;
        for (int i = 0; i < CLASSES && total > 0; i++) {
            seen += counts.get(i);
            if (seen >= wanted) {
                return Duration.ofNanos(upperEnd(i));
            }
        }
        return Duration.ZERO;
    }

    private static int classOf(long nanos) {
        int magnitude = Math.max(0, 63 - Long.numberOfLeadingZeros(nanos | 1) - BITS);
        return Math.min(CLASSES - 1, (magnitude << BITS) + (int) (nanos >>> magnitude));
    }

    private static long upperEnd(int index) {
        int magnitude = Math.max(0, (index >>> BITS) - 1);
        long mantissa = index - ((long) magnitude << BITS);
        return ((mantissa + 1) << magnitude) - 1;
    }
}
