package dev.understudy.adapters.redis;

import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A world of one key moved by hand: the vocabulary of the interleavings that are written down. Every call takes ten
 * microseconds. Not thread-safe.
 */
final class Stage {
    static final String KEY = "a";
    static final long NO_CONDITION = -1;
    static final long MUST_EXIST = -2;
    static final long MUST_BE_ABSENT = 0;
    static final long NO_BASE = -1;
    static final long BLIND = (1L << 53) - 1;
    static final long SECOND = 1_000_000;

    final World world;
    int limit = 100;
    long known;

    Stage(ScriptedShard shard, String configuration, Set<Protection> without) {
        world = new World(shard, Configuration.named(configuration).without(without), 1, null);
    }

    /** Microseconds since the epoch that every scenario begins at. */
    long now() {
        return world.now;
    }

    void pass(long micros) {
        world.now += micros;
    }

    Reply call(Scripts.Script script, Object... arguments) {
        world.now += 10;
        return world.call(script, KEY, world.generation, arguments);
    }

    /** A write-through that stands where it was left. */
    final class Writer {
        private final @Nullable String value;
        private final long writeId = world.id();
        private final long generation = world.generation;
        private final long proposed;
        private final long prepared;
        private long deadline;
        long version;

        private Writer(@Nullable String value) {
            this.value = value;
            world.history.begin(KEY, value, false);
            Reply reply = call(Scripts.PREPARE, World.MARKER_MICROS, known);
            proposed = reply.number(1);
            deadline = reply.number(2);
            prepared = reply.number(3);
            version = proposed;
        }

        Writer commit() {
            version = world.primary.stamp(KEY, proposed);
            if (value == null) {
                world.primary.delete(KEY, version, world.now);
            } else {
                world.primary.put(KEY, version, value);
            }
            return this;
        }

        String renew() {
            Reply reply = call(Scripts.RENEW, World.MARKER_MICROS, deadline);
            if (reply.is("OK")) {
                deadline = reply.number(1);
            }
            return reply.word();
        }

        String apply() {
            return settle(value == null ? "3" : "1", deadline);
        }

        String invalidate() {
            return settle(value == null ? "3" : "1", 0);
        }

        String abort() {
            return settle("A", deadline);
        }

        private String settle(String outcome, long marker) {
            world.now += 10;
            return world.call(
                            Scripts.APPLY,
                            KEY,
                            generation,
                            outcome,
                            version,
                            Objects.requireNonNullElse(value, ""),
                            World.TTL_MILLIS,
                            marker,
                            prepared,
                            writeId,
                            world.configuration.has(Configuration.Trait.UNVERSIONED) ? 1 : 0)
                    .word();
        }
    }

    /** Prepares a save, or with null a delete. */
    Writer prepare(@Nullable String value) {
        return new Writer(value);
    }

    /** A write-through from beginning to end. */
    void through(@Nullable String value) {
        prepare(value).commit().apply();
    }

    Reply back(@Nullable String value, long writeId, long condition, long base) {
        if (world.history.begin(KEY, value, false).deletes()) {
            return call(Scripts.WRITEBACK, 3, "", writeId, condition, base, limit, known);
        }
        return call(Scripts.WRITEBACK, 1, value, writeId, condition, base, limit, known);
    }

    /** A write-back without condition, of a key that may be unknown. */
    long back(@Nullable String value) {
        ModelPrimary.Row row = world.primary.row(KEY);
        return back(value, world.id(), NO_CONDITION, row == null ? 0 : row.version())
                .number(1);
    }

    /** A row that was there before, and its version. */
    long given(String value) {
        world.history.begin(KEY, value, true);
        long version = now() - SECOND | 1;
        world.primary.put(KEY, version, value);
        return version;
    }

    /** A writer that goes around the library, with a clock so far ahead. */
    long direct(@Nullable String value, long ahead) {
        world.history.begin(KEY, value, true);
        long version = world.primary.stampDirect(KEY, now() + ahead);
        if (value == null) {
            world.primary.delete(KEY, version, world.now);
        } else {
            world.primary.put(KEY, version, value);
        }
        return version;
    }

    /** What a server that evicts anything at all, or an operator, may do. */
    void strangerDeletesEntry() {
        world.shard.delete(KEY);
    }

    String lease(long id) {
        return call(Scripts.LEASE, id, World.LEASE_MICROS).word();
    }

    String fill(long id, ModelPrimary.@Nullable Row row) {
        return (row == null
                        ? call(Scripts.FILL, id, 2, 0, "", World.TTL_MILLIS)
                        : call(Scripts.FILL, id, 1, row.version(), row.value(), World.TTL_MILLIS))
                .word();
    }

    String inval(long version) {
        return call(Scripts.INVAL, version).word();
    }

    ModelPrimary.@Nullable Row stored() {
        return world.primary.row(KEY);
    }

    String row() {
        ModelPrimary.Row row = stored();
        return row == null ? "absent" : row.value();
    }

    String read() {
        return read(Action.READ);
    }

    String strongRead() {
        return read(Action.STRONG_READ);
    }

    String near() {
        ModelNear.Held held = world.near.get(KEY);
        return held == null ? "nothing" : Objects.requireNonNullElse(held.value(), "absent");
    }

    private String read(Action action) {
        world.now += 10;
        Reader reader = new Reader(world, KEY, action, false);
        reader.runToEnd();
        return Objects.requireNonNullElse(reader.answer(), "absent");
    }

    /** A drainer that has peeked. */
    Drainer peek() {
        world.now += 10;
        Drainer drainer = new Drainer(world);
        drainer.advance();
        return drainer;
    }

    /** Drains until the queue is empty, a few rounds at most; what is left is told by its length. */
    String drain() {
        for (int i = 0; i < 5 && world.shard.queued() > 0; i++) {
            peek().runToEnd();
        }
        return world.shard.queued() == 0 ? "" : " queued " + world.shard.queued();
    }

    /** Where the copies end: what a read answers, the row, and what is still queued. */
    String ending() {
        return drain() + read() + "/" + row();
    }
}
