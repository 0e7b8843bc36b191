package dev.understudy.adapters.redis;

import dev.understudy.adapters.redis.Configuration.Trait;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.SharedEntry;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A read: near, shared (GET, then LEASE, load, FILL) or strong. Its answer is checked against the history. */
final class Reader extends SimulatedProcess {
    private static final int ATTEMPTS = 6;

    private final Action action;
    private final boolean last;
    private long invoked;
    private int attempts;
    private ModelNear.@Nullable Load load;
    private long leaseId;
    private long generation;
    private ModelPrimary.@Nullable Row row;
    private @Nullable SharedEntry pending;
    private @Nullable String answer;

    /** A read; with {@code last} one after all is quiet. */
    Reader(World world, String key, Action action, boolean last) {
        super(world, key);
        this.action = action;
        this.last = last;
    }

    /** What it read. */
    @Nullable
    String answer() {
        return answer;
    }

    @Override
    @Nullable
    Step begin() {
        invoked = world.history.tick();
        if (action == Action.STRONG_READ) {
            return strong();
        }
        if (action == Action.NEAR_READ) {
            ModelNear.Held held = world.near.get(key);
            if (held != null) {
                return answer(held.value(), "near");
            }
        }
        load = world.near.begin(key);
        return get();
    }

    private @Nullable Step get() {
        SharedEntry entry = world.fresh(world.shard.entry(key));
        return entry == null ? this::lease : found(entry, "redis");
    }

    private @Nullable Step lease() {
        leaseId = world.id();
        World.Opened opened = world.openCall(Scripts.LEASE, key, leaseId, World.LEASE_MICROS);
        generation = opened.generation();
        return switch (opened.reply().word()) {
            case "hit" -> found(EntryLayout.decode(opened.reply().bytes(1)), "lease");
            case "wait" -> ++attempts < ATTEMPTS ? this::get : null;
            default -> this::load;
        };
    }

    private Step load() {
        row = world.primary.row(key);
        return this::fill;
    }

    private @Nullable Step fill() {
        long version = row == null ? 0 : row.version();
        String value = row == null ? null : row.value();
        world.call(
                Scripts.FILL,
                key,
                generation,
                leaseId,
                (row == null ? EntryKind.ABSENT : EntryKind.VALUE).code(),
                version,
                payload(value),
                World.TTL_MILLIS);
        world.near.end(load, value, version);
        return answer(value, "primary");
    }

    private @Nullable Step found(SharedEntry entry, String source) {
        world.near.end(
                load,
                value(entry),
                entry.kind() == EntryKind.ABSENT ? 0 : entry.version().value());
        return answer(value(entry), source);
    }

    private @Nullable Step strong() {
        ScriptedShard.Glance glance = world.shard.glance(key);
        while (glance.generation() != world.generation) {
            world.open();
            glance = world.shard.glance(key);
        }
        SharedEntry entry = glance.entry() == null ? null : EntryLayout.decode(glance.entry());
        pending = entry != null && entry.pending() ? entry : null;
        boolean asks = pending != null && pending.writers() > 0 && world.configuration.keeps(Protection.STRONG_MARKER);
        return pending != null && !asks ? answer(value(pending), "strong pending") : this::askPrimary;
    }

    /** Rule 2: of a pending record and the primary, the newer. */
    private @Nullable Step askPrimary() {
        ModelPrimary.Row found = world.primary.row(key);
        if (pending != null
                && (found == null || found.version() <= pending.version().value())) {
            return answer(value(pending), "strong");
        }
        return answer(found == null ? null : found.value(), "strong");
    }

    private @Nullable Step answer(@Nullable String value, String source) {
        answer = value;
        world.say("READ", source, Objects.requireNonNullElse(value, "absent"));
        if (last || !world.configuration.has(Trait.FAILOVER)) {
            boolean strong = action == Action.STRONG_READ && !last;
            world.history.check(key, invoked, value, source, strong, last);
        }
        return null;
    }
}
