package dev.understudy.demo;

import java.util.SplittableRandom;

/**
 * Draws keys 1 to n by Zipf's law with exponent 0.99, the popular ones spread over the whole range. Not thread-safe; {@link #of} is cheap
 * to derive from.
 *
 * <p>Source: Gray, Sundaresan, Englert, Baclawski, Weinberger, "Quickly generating billion-record synthetic databases", SIGMOD 1994, as
 * YCSB uses it.
 */
final class Zipf {
    private static final double THETA = 0.99;
    /** Prime and larger than any number of rows: a multiplication by it permutes the ranks. */
    private static final long SPREAD = 2_147_483_647L;

    private final int n;
    private final double zeta;
    private final double eta;
    private final SplittableRandom random;

    private Zipf(int n, double zeta, SplittableRandom random) {
        this.n = n;
        this.zeta = zeta;
        this.random = random;
        double zeta2 = 1 + Math.pow(0.5, THETA);
        this.eta = (1 - Math.pow(2.0 / n, 1 - THETA)) / (1 - zeta2 / zeta);
    }

    /** A source of keys from 1 to {@code n}, at least 3. */
    static Zipf of(int n, long seed) {
        double zeta = 0;
        for (int rank = 1; rank <= n; rank++) {
            zeta += Math.pow(1.0 / rank, THETA);
        }
        return new Zipf(n, zeta, new SplittableRandom(seed));
    }

    /** Another source over the same keys. */
    Zipf withSeed(long seed) {
        return new Zipf(n, zeta, new SplittableRandom(seed));
    }

    /** The next key. */
    long next() {
        double u = random.nextDouble();
        double uz = u * zeta;
        long rank;
        if (uz < 1) {
            rank = 0;
        } else if (uz < 1 + Math.pow(0.5, THETA)) {
            rank = 1;
        } else {
            rank = Math.min(n - 1, (long) (n * Math.pow(eta * u - eta + 1, 1 / (1 - THETA))));
        }
        return 1 + rank * SPREAD % n;
    }

    /** Whether the next operation is a read, with that probability. */
    boolean isRead(double probability) {
        return random.nextDouble() < probability;
    }
}
