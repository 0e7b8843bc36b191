package dev.understudy.adapters.redis;

import org.jspecify.annotations.Nullable;

/** A writer that goes around the library; the primary's trigger stamps its rows, with a clock that differs a little. */
final class DirectWriter extends SimulatedProcess {
    private final boolean deletes;

    DirectWriter(World world, String key, boolean deletes) {
        super(world, key);
        this.deletes = deletes;
    }

    @Override
    @Nullable
    Step begin() {
        if (world.primary.isLocked(key)) {
            return this::begin;
        }
        String value = deletes ? null : "d" + world.id();
        History.Operation operation = world.history.begin(key, value, true);
        long version = world.primary.stampDirect(key, world.now + world.random.nextInt(-3, 4));
        if (value == null) {
            world.primary.delete(key, version, world.now);
        } else {
            world.primary.put(key, version, value);
        }
        world.history.finish(operation, true);
        return null;
    }
}
