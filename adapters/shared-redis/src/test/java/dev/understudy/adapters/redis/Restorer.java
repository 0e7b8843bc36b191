package dev.understudy.adapters.redis;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** After a change of generation: instances compare what they remember with rows and tombstones, and restore or report it. */
final class Restorer extends SimulatedProcess {
    private final Deque<World.Remembered> left;
    private World.@Nullable Remembered current;
    private long row;
    private long tombstone;

    Restorer(World world) {
        super(world, "");
        left = new ArrayDeque<>(world.remembered);
    }

    @Override
    @Nullable
    Step begin() {
        current = left.poll();
        if (current == null) {
            return null;
        }
        String key = current.operation().key;
        ModelPrimary.Row found = world.primary.row(key);
        row = found == null ? 0 : found.version();
        tombstone =
                world.configuration.keeps(Protection.RESTORE_TOMBSTONES) ? world.primary.tombstone(key, world.now) : 0;
        return this::restore;
    }

    private @Nullable Step restore() {
        History.Operation operation = current.operation();
        if (row < current.version() && tombstone < current.version()) {
            if (current.at() < world.now - World.WINDOW_MICROS) {
                if (operation.acknowledged) {
                    operation.acknowledged = false; // reported lost, never restored
                    world.openCall(Scripts.LOST, "", 1);
                }
            } else {
                world.openCall(
                        Scripts.RESTORE,
                        operation.key,
                        code(operation.value),
                        payload(operation.value),
                        current.writeId(),
                        current.version());
            }
        }
        return begin();
    }

    @Override
    boolean isMortal() {
        return false;
    }
}
