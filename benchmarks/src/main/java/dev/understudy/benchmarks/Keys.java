package dev.understudy.benchmarks;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Keys as applications ask for them: Zipf with exponent 0.99, the popular ones anywhere among all. The same sequence in every run. Immutable.
 * Source: Gray et al., "Quickly Generating Billion-Record Synthetic Databases", SIGMOD 1994.
 */
final class Keys {
    /** Keys of every part that does not vary them. */
    static final int ROWS = 100_000;

    private static final double EXPONENT = 0.99;
    private static final int DRAWN = 1 << 20;
    /** Prime, so that a rank times it, modulo the rows, is each key once. */
    private static final long SPREAD = 48_271;

    static final Keys STANDARD = new Keys(ROWS);

    private final int rows;
    private final int[] draws = new int[DRAWN];

    /** Keys from 0 to below so many, which are no multiple of {@value #SPREAD}. */
    Keys(int rows) {
        this.rows = rows;
        double[] below = new double[rows];
        double sum = 0;
        for (int rank = 0; rank < rows; rank++) {
            sum += 1 / Math.pow(rank + 1.0, EXPONENT);
            below[rank] = sum;
        }
        SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < DRAWN; i++) {
            int found = Arrays.binarySearch(below, random.nextDouble() * sum);
            int rank = Math.min(rows - 1, found < 0 ? -found - 1 : found);
            draws[i] = (int) (rank * SPREAD % rows);
        }
    }

    /** The key of a thread's operation of that number. */
    long at(int thread, long number) {
        return draws[(int) Math.floorMod(thread * 65_537L * 11 + number, (long) DRAWN)];
    }

    int rows() {
        return rows;
    }

    /** All that are ever answered, each once: with many rows, fewer than these. */
    int[] drawn() {
        return Arrays.stream(draws).distinct().toArray();
    }

    /** The same among {@value #ROWS} keys. */
    static long zipf(int thread, long number) {
        return STANDARD.at(thread, number);
    }
}
