package dev.understudy.adapters.redis;

import java.util.concurrent.ThreadLocalRandom;
import java.util.function.LongSupplier;
import java.util.function.LongUnaryOperator;

/**
 * What the scripts are told instead of deciding it themselves; tests replace it. Immutable.
 *
 * @param nowMicros the scripts' clock in microseconds since 1970; negative: the server's own
 * @param candidates generations to begin with, 1 to 2^32 - 1
 * @param eras the era to tell instead of the server's
 */
record Injected(LongSupplier nowMicros, LongSupplier candidates, LongUnaryOperator eras) {
    /** The server's clock and era, and random generations. */
    static final Injected NOTHING = new Injected(
            () -> -1, () -> ThreadLocalRandom.current().nextLong(1, 1L << 32), LongUnaryOperator.identity());

    private static final byte[] SERVERS_OWN = {};

    byte[] now() {
        long now = nowMicros.getAsLong();
        return now < 0 ? SERVERS_OWN : Request.number(now);
    }

    long candidate() {
        return candidates.getAsLong();
    }

    long era(long servers) {
        return eras.applyAsLong(servers);
    }
}
