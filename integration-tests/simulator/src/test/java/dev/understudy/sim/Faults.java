package dev.understudy.sim;

import java.util.EnumMap;
import java.util.Map;
import java.util.Random;

/** Which faults a run has, and how often each hit. Confined to the running actor. */
final class Faults {
    /** What can go wrong. */
    enum Kind {
        /** A command is refused before it is sent. */
        NOT_SENT(0.01),
        /** A command runs and its answer is lost. */
        REPLY_LOST(0.015),
        /** A command's caller gives up, and it runs later. */
        LATE(0.015),
        /** An announcement vanishes. */
        ANNOUNCEMENT_LOST(0.03),
        /** An announcement comes twice. */
        ANNOUNCEMENT_TWICE(0.05),
        /** The primary has no connection to give. */
        NO_CONNECTION(0.01),
        /** The primary refuses to commit. */
        ROLLED_BACK(0.02),
        /** The connection breaks before the commit. */
        COMMIT_LOST(0.02),
        /** The connection breaks after the commit. */
        COMMIT_REPLY_LOST(0.03),
        /** An instance loses its connection to the shared replica and has it again at once. */
        RECONNECT(0.002),
        /** An instance is cut off from the shared replica for a while. */
        CUT(0.002),
        /** An instance is killed. */
        CRASH(0.003),
        /** An instance stands still for a while. */
        FREEZE(0.004),
        /** Much time passes at once. */
        PAUSE(0.008),
        /** A wall clock jumps. */
        CLOCK(0.005),
        /** A clean entry goes. */
        EVICTION(0.02),
        /** The shared replica restarts with its data. */
        RESTART(0.002),
        /** The shared replica goes back in time, to an earlier state or to none. */
        MEMORY_LOST(0.003);

        final double chance;

        Kind(double chance) {
            this.chance = chance;
        }
    }

    private final Random random;
    private final Map<Kind, Double> chances = new EnumMap<>(Kind.class);
    private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
    private boolean on;

    Faults(Random random) {
        this.random = random;
    }

    void enable(Kind kind, double intensity) {
        chances.put(kind, kind.chance * intensity);
    }

    void on(boolean yes) {
        on = yes;
    }

    /** Whether the fault happens here and now. */
    boolean hits(Kind kind) {
        Double chance = chances.get(kind);
        if (!on || chance == null || random.nextDouble() >= chance) {
            return false;
        }
        counts.merge(kind, 1, Integer::sum);
        return true;
    }

    int count(Kind kind) {
        return counts.getOrDefault(kind, 0);
    }

    Map<Kind, Integer> counts() {
        return counts;
    }
}
