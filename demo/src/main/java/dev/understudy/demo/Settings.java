package dev.understudy.demo;

import java.time.Duration;
import java.util.Optional;

/**
 * What the command line asks for. Immutable.
 *
 * @param url JDBC URL of a PostgreSQL of the user's own; empty: an embedded one
 * @param user database user; empty: as the URL says
 * @param password of that user
 * @param redis URI of a Redis of the user's own; empty: an embedded one
 * @param part the one part to show; empty: all
 * @param seconds how long each measurement takes
 * @param threads of a load
 * @param rows of the table
 * @param seed of every random choice
 */
record Settings(
        Optional<String> url,
        Optional<String> user,
        Optional<String> password,
        Optional<String> redis,
        Optional<Part> part,
        int seconds,
        int threads,
        int rows,
        long seed) {
    /** A part of the demo that can be shown alone. */
    enum Part {
        /** The late-fill race. */
        RACE,
        /** Killed servers and processes. */
        KILL,
        /** Throughput. */
        BENCH
    }

    boolean shows(Part one) {
        return part.isEmpty() || part.get() == one;
    }

    /** A measurement's length. */
    Duration length() {
        return Duration.ofSeconds(seconds);
    }

    /** A measurement's length, but at most so long. */
    Duration atMost(int limitSeconds) {
        return Duration.ofSeconds(Math.min(seconds, limitSeconds));
    }
}
