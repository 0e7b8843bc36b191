package dev.understudy.benchmarks;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * Keys as applications ask for them: Zipf with exponent 0.99 over {@value #ROWS}, the popular ones anywhere among them. The same sequence in
 * every run. Stateless. Source: Gray et al., "Quickly Generating Billion-Record Synthetic Databases", SIGMOD 1994.
 */
final class Keys {
    static final int ROWS = 100_000;
    private static final double EXPONENT = 0.99;
    private static final int DRAWN = 1 << 20;
    /** Prime, so that a rank times it, modulo the rows, is each key once. */
    private static final long SPREAD = 48_271;

    private static final int[] DRAWS = draws();

    private Keys() {}

    private static int[] draws() {
        double[] below = new double[ROWS];
        double sum = 0;
        for (int rank = 0; rank < ROWS; rank++) {
            sum += 1 / Math.pow(rank + 1.0, EXPONENT);
            below[rank] = sum;
        }
        SplittableRandom random = new SplittableRandom(1);
        int[] draws = new int[DRAWN];
        for (int i = 0; i < DRAWN; i++) {
            int found = Arrays.binarySearch(below, random.nextDouble() * sum);
            int rank = Math.min(ROWS - 1, found < 0 ? -found - 1 : found);
            draws[i] = (int) (rank * SPREAD % ROWS);
        }
        return draws;
    }

    /** The key of a thread's operation of that number. */
    static long zipf(int thread, long number) {
        return DRAWS[(int) Math.floorMod(thread * 65_537L * 11 + number, (long) DRAWN)];
    }
}
