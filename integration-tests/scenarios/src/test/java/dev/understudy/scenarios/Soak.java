package dev.understudy.scenarios;

import java.time.Duration;

/** How long the tests under load go on: {@code -Dunderstudy.soak} seconds, 5 unless told; 60 for a thorough run. */
final class Soak {
    private static final long SECONDS = Long.getLong("understudy.soak", 5);

    private Soak() {}

    static Duration time() {
        return Duration.ofSeconds(SECONDS);
    }

    /** That much more than the load's own time. */
    static Duration timeAnd(Duration more) {
        return time().plus(more);
    }
}
