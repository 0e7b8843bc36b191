package dev.understudy.adapters.redis;

import dev.understudy.spi.EntryKind;
import dev.understudy.spi.SharedEntry;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** A process that a schedule moves step by step and may crash between two steps. Not thread-safe. */
abstract class SimulatedProcess {
    final World world;
    final String key;
    private @Nullable Step next = this::begin;

    SimulatedProcess(World world, String key) {
        this.world = world;
        this.key = key;
    }

    /** The first step. */
    abstract @Nullable Step begin();

    /** What the servers notice of the process's death. */
    void crashed() {}

    /** Whether a crash may hit it. */
    boolean isMortal() {
        return true;
    }

    /** Takes a step; false at the end. */
    final boolean advance() {
        if (next != null) {
            next = next.run();
        }
        return next != null;
    }

    final void crash() {
        next = null;
        crashed();
    }

    final void runToEnd() {
        while (advance()) {
            // every step is bounded by the schedule
        }
    }

    static @Nullable String value(SharedEntry entry) {
        return entry.kind() == EntryKind.VALUE ? new String(entry.payload(), StandardCharsets.UTF_8) : null;
    }

    static String payload(@Nullable String value) {
        return value == null ? "" : value;
    }

    static int code(@Nullable String value) {
        return (value == null ? EntryKind.DELETED : EntryKind.VALUE).code();
    }
}
