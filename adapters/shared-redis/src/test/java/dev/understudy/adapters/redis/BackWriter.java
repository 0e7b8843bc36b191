package dev.understudy.adapters.redis;

import dev.understudy.spi.EntryKind;
import dev.understudy.spi.SharedEntry;
import org.jspecify.annotations.Nullable;

/** A write-back, with or without a condition; loads the row's version when told that the replica knows nothing. */
final class BackWriter extends SimulatedProcess {
    private static final long NONE = -1;
    private static final long EXISTS = -2;
    private static final long MISSING = 0;
    private static final long NOT_GIVEN = -1;
    private static final int ATTEMPTS = 6;
    private static final int LIMIT = 100;

    private final Action action;
    private @Nullable String value;
    private History.@Nullable Operation operation;
    private @Nullable String replaced;
    private long condition;
    private long writeId;
    private long base = NOT_GIVEN;
    private int attempts;
    private boolean executed;

    BackWriter(World world, String key, Action action) {
        super(world, key);
        this.action = action;
    }

    @Override
    @Nullable
    Step begin() {
        condition = switch (action) {
            case BACK_INSERT -> MISSING;
            case BACK_UPDATE -> EXISTS;
            default -> NONE;
        };
        return action == Action.BACK_SWAP ? read() : attempt();
    }

    private @Nullable Step read() {
        SharedEntry entry = world.fresh(world.shard.entry(key));
        if (entry == null || entry.kind() != EntryKind.VALUE) {
            return null;
        }
        replaced = value(entry);
        condition = entry.version().value();
        return this::attempt;
    }

    private @Nullable Step attempt() {
        if (operation == null) {
            value = action == Action.BACK_DELETE ? null : "b" + world.id();
            operation = world.history.begin(key, value, false);
            operation.mayDie = value != null && world.primary.isPoison(value);
            writeId = world.id();
        }
        Reply reply = world.openCall(
                        Scripts.WRITEBACK, key, code(value), payload(value), writeId, condition, base, LIMIT, 0)
                .reply();
        if (reply.is("OK")) {
            world.acked += reply.text(3).equals("new") ? 1 : 0;
            boolean answerLost = !executed && world.chance(0.15);
            executed = true;
            operation.version = reply.number(1);
            return answerLost ? this::attempt : acknowledge();
        }
        if (reply.is("COLD") && attempts++ < ATTEMPTS) {
            return this::load;
        }
        if (reply.is("MARKED") && attempts++ < ATTEMPTS) {
            base = NOT_GIVEN;
            return this::attempt;
        }
        operation.isVoid = !executed;
        world.history.finish(operation, false);
        return null;
    }

    private Step load() {
        ModelPrimary.Row row = world.primary.row(key);
        base = row == null ? 0 : row.version();
        return this::attempt;
    }

    private @Nullable Step acknowledge() {
        world.remembered.add(new World.Remembered(operation, writeId, operation.version, world.now));
        if (!world.configuration.losesMemory()) {
            if (condition == EXISTS) {
                world.history.checkExists(key, operation.invoked);
            } else if (condition == MISSING) {
                world.history.check(key, operation.invoked, null, "an insert's condition", false, false);
            } else if (condition > 0) {
                world.history.check(key, operation.invoked, replaced, "a swap's condition", false, false);
                world.history.swapped(operation, condition);
            }
        }
        world.history.finish(operation, true);
        return null;
    }

    @Override
    void crashed() {
        if (operation != null) {
            world.history.finish(operation, false);
        }
    }
}
