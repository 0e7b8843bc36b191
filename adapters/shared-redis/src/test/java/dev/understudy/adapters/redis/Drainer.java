package dev.understudy.adapters.redis;

import dev.understudy.spi.SharedEntry;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The owner of the shard drains once: peek, one transaction at the primary, one DRAINED per record. */
final class Drainer extends SimulatedProcess {
    private record Item(String key, SharedEntry entry) {}

    private record Done(Item item, ModelPrimary.Drained result) {}

    private final boolean fenced;
    private final int epoch;
    private final int faults;
    private final List<Item> items = new ArrayList<>();
    private final Deque<Done> done = new ArrayDeque<>();

    /** A new owner: every drainer before it is fenced off. */
    Drainer(World world) {
        super(world, "");
        fenced = world.configuration.keeps(Protection.FENCE);
        epoch = ++world.epoch;
        faults = world.faults;
    }

    @Override
    @Nullable
    Step begin() {
        Reply reply = world.call(Scripts.PEEK, "", world.generation, world.now, 10, ScriptedShard.ENTRY);
        if (reply.is("GEN")) {
            world.open();
            return null;
        }
        for (int i = 1; i < reply.size(); i += 2) {
            if (reply.bytes(i + 1).length == 0) {
                throw new Violation("orphan: queued without an entry");
            }
            items.add(new Item(reply.text(i), EntryLayout.decode(reply.bytes(i + 1))));
        }
        return this::commit;
    }

    private @Nullable Step commit() {
        if (fenced && epoch != world.epoch) {
            return null;
        }
        for (Item item : items) {
            if (item.entry.pending() && !world.primary.isLocked(item.key)) {
                done.add(new Done(item, drain(item)));
            }
        }
        return this::drained;
    }

    private ModelPrimary.Drained drain(Item item) {
        String value = value(item.entry);
        ModelPrimary.Drained result =
                world.primary.drain(item.key, item.entry.version().value(), value, world.now);
        world.say("drain", item.key, value, "->", result);
        return result;
    }

    private @Nullable Step drained() {
        Done next = done.poll();
        if (next == null) {
            return null;
        }
        SharedEntry entry = next.item.entry;
        ModelPrimary.Row row = world.configuration.keeps(Protection.CORRECTION) ? next.result.corrected() : null;
        Reply reply = world.openCall(
                        Scripts.DRAINED,
                        next.item.key,
                        entry.version().value(),
                        entry.kind().code(),
                        next.result.outcome(),
                        World.TTL_MILLIS,
                        entry.writeId(),
                        row == null ? "" : row.version(),
                        row == null ? "" : row.value().getBytes(StandardCharsets.UTF_8),
                        row == null ? "" : 1)
                .reply();
        if (epoch % 2 == 0) { // this drainer wrote it itself, and has no more reason to remember it
            world.remembered.removeIf(write -> write.operation().key.equals(next.item.key)
                    && write.version() <= entry.version().value());
        }
        boolean owner = fenced && epoch == world.epoch && faults == world.faults;
        if ((reply.is("gone") || reply.is("lost")) && next.result.changed() && owner) {
            throw new Violation("gone: a drained record had left another way");
        }
        return this::drained;
    }
}
