package dev.understudy.adapters.redis;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** After a change of generation: instances compare what they remember with rows and tombstones, and restore or report it. */
final class Restorer extends SimulatedProcess {
    private static final int ATTEMPTS = 20;

    private final List<World.Remembered> writes;
    private @Nullable Deque<World.Remembered> left;
    private World.@Nullable Remembered current;
    private long lease;
    private int attempts;

    /** Restores those of the writes that are still remembered when it begins. */
    Restorer(World world, List<World.Remembered> writes) {
        super(world, "");
        this.writes = writes;
    }

    @Override
    @Nullable
    Step begin() {
        if (left == null) {
            left = new ArrayDeque<>(writes);
        }
        current = left.poll();
        attempts = 0;
        lease = world.id();
        return current == null ? null : look(!world.configuration.keeps(Protection.RESTORE_LEASE));
    }

    /** Looks at the primary, which may change before the next step. */
    private @Nullable Step look(boolean underLease) {
        String key = current.operation().key;
        ModelPrimary.Row found = world.primary.row(key);
        long row = found == null ? 0 : found.version();
        long tombstone =
                world.configuration.keeps(Protection.RESTORE_TOMBSTONES) ? world.primary.tombstone(key, world.now) : 0;
        boolean covered = row >= current.version() || tombstone >= current.version();
        return covered ? this::forget : () -> restore(underLease);
    }

    /** Also gives the lease back. */
    private @Nullable Step forget() {
        ModelPrimary.Row found = world.primary.row(current.operation().key);
        world.openCall(Scripts.INVAL, current.operation().key, found == null ? 0 : found.version());
        return begin();
    }

    private @Nullable Step restore(boolean underLease) {
        History.Operation operation = current.operation();
        if (current.at() < world.now - World.WINDOW_MICROS) {
            if (operation.acknowledged) {
                operation.acknowledged = false; // reported lost, never restored
                world.openCall(Scripts.LOST, "", 1);
            }
            return begin();
        }
        Object asked = underLease ? 1 : 0;
        Reply reply = world.openCall(
                        Scripts.RESTORE,
                        operation.key,
                        code(operation.value),
                        payload(operation.value),
                        current.writeId(),
                        current.version(),
                        lease,
                        asked)
                .reply();
        if (!reply.is("COLD") || attempts++ == ATTEMPTS) {
            return begin();
        }
        if (underLease) {
            lease = world.id();
            return () -> restore(false);
        }
        return () -> look(true);
    }

    @Override
    boolean isMortal() {
        return false;
    }
}
