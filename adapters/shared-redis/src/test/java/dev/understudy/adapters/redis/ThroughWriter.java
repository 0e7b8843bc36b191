package dev.understudy.adapters.redis;

import dev.understudy.adapters.redis.Configuration.Trait;
import org.jspecify.annotations.Nullable;

/** A write-through: prepare, lock, perhaps renew, commit, apply; the answer of APPLY is lost at times. */
final class ThroughWriter extends SimulatedProcess {
    private final boolean deletes;
    private @Nullable String value;
    private History.@Nullable Operation operation;
    private long writeId;
    private long generation;
    private long proposed;
    private long deadline;
    private long prepared;
    private long version;
    private boolean inTransaction;
    private boolean holdsLock;
    private boolean committed;

    ThroughWriter(World world, String key, boolean deletes) {
        super(world, key);
        this.deletes = deletes;
    }

    @Override
    Step begin() {
        value = deletes ? null : "t" + world.id();
        operation = world.history.begin(key, value, false);
        writeId = world.id();
        World.Opened opened = world.openCall(Scripts.PREPARE, key, World.MARKER_MICROS, 0);
        generation = opened.generation();
        proposed = opened.reply().number(1);
        deadline = opened.reply().number(2);
        prepared = opened.reply().number(3);
        inTransaction = world.chance(0.25);
        return this::lock;
    }

    private @Nullable Step lock() {
        if (tooLate()) {
            return abort();
        }
        if (world.primary.isLocked(key)) {
            return this::lock;
        }
        world.primary.lock(key);
        holdsLock = true;
        return inTransaction ? this::renew : this::commit;
    }

    private @Nullable Step renew() {
        Reply reply = world.call(Scripts.RENEW, key, generation, World.MARKER_MICROS, deadline);
        if (reply.is("OK")) {
            deadline = reply.number(1);
        } else if (world.configuration.keeps(Protection.RENEWAL)) {
            return abort();
        } else {
            deadline = world.now + World.MARKER_MICROS;
        }
        return this::commit;
    }

    private @Nullable Step commit() {
        if (world.chance(0.12) || tooLate()) {
            return abort();
        }
        version = world.primary.stamp(key, proposed);
        committed = true;
        if (deletes) {
            world.primary.delete(key, version, world.now);
        } else {
            ModelPrimary.Row stored = world.primary.put(key, version, payload(value));
            version = stored.version();
            value = stored.value();
        }
        unlock();
        return this::apply;
    }

    private @Nullable Step apply() {
        boolean answerLost = world.chance(0.12);
        Reply reply = null;
        if (!answerLost || world.chance(0.5)) {
            reply = settle(String.valueOf(code(value)), deadline, generation);
        }
        if (answerLost || reply == null || reply.is("GEN")) {
            return this::invalidate;
        }
        return finish(true);
    }

    private @Nullable Step invalidate() {
        if (world.configuration.keeps(Protection.LIBRARY_INVAL)) {
            while (settle(String.valueOf(code(value)), 0, world.generation).is("GEN")) {
                world.open();
            }
        }
        return finish(true);
    }

    private @Nullable Step abort() {
        unlock();
        settle("A", deadline, generation);
        operation.isVoid = true;
        return finish(false);
    }

    private Reply settle(String outcome, long marker, long expected) {
        return world.call(
                Scripts.APPLY,
                key,
                expected,
                outcome,
                version,
                payload(value),
                World.TTL_MILLIS,
                marker,
                prepared,
                writeId,
                world.configuration.has(Trait.UNVERSIONED) ? 1 : 0);
    }

    /** Rule 15: no commit after the deadline. */
    private boolean tooLate() {
        return world.now >= deadline - 1 && world.configuration.keeps(Protection.COMMIT_DEADLINE);
    }

    private void unlock() {
        if (holdsLock) {
            world.primary.unlock(key);
            holdsLock = false;
        }
    }

    private @Nullable Step finish(boolean acknowledged) {
        operation.version = version;
        world.history.finish(operation, acknowledged);
        return null;
    }

    @Override
    void crashed() {
        unlock();
        if (operation != null) {
            operation.isVoid = !committed;
            world.history.finish(operation, false);
        }
    }
}
