package dev.understudy.adapters.redis;

import dev.understudy.adapters.redis.Configuration.Trait;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One random schedule, a function of its seed: processes advance step by step in random order, with crashes, lost memory,
 * evictions and jumps in time between them; then all is let come to rest and the copies are compared.
 */
final class Schedule {
    private static final int MOST_STEPS = 400;
    private static final int MOST_DRAINS = 40;
    private static final long LONG_MICROS = 20_000_000;

    private final World world;
    private final Configuration configuration;
    private final List<SimulatedProcess> active = new ArrayList<>();
    private @Nullable List<Object[]> snapshot;

    private Schedule(World world) {
        this.world = world;
        this.configuration = world.configuration;
    }

    /** Runs one schedule; the violation that it found, if any. A trace gets every call. */
    static Optional<Violation> run(
            ScriptedShard shard, Configuration configuration, long seed, @Nullable List<String> trace) {
        try {
            Schedule schedule = new Schedule(new World(shard, configuration, seed, trace));
            schedule.perform();
            schedule.rest();
            return Optional.empty();
        } catch (Violation violation) {
            return Optional.of(violation);
        } catch (RedisWire.ErrorReply error) { // a script that fails is a finding too
            return Optional.of(new Violation("error: " + error.getMessage()));
        }
    }

    private void perform() {
        Deque<Action> waiting = new ArrayDeque<>();
        for (int i = world.random.nextInt(3, configuration.most() + 1); i > 0; i--) {
            waiting.add(world.any(configuration.actions()));
        }
        double pace = world.any(List.of(0.2, 0.45, 0.7)); // how soon processes start: more or less at once
        double crash = pace + world.any(List.of(0.0, 0.03, configuration.crash()));
        double jump = crash + 0.03 + (configuration.jump() > 0 ? configuration.jump() : world.any(List.of(0.01, 0.03)));
        double evict = jump + world.any(List.of(0.01, 0.05));
        for (int i = 0; i < MOST_STEPS && !(waiting.isEmpty() && active.isEmpty()); i++) {
            double x = world.random.nextDouble();
            if (!waiting.isEmpty() && (x < pace || active.isEmpty())) {
                active.add(process(waiting.poll()));
                advance(active.size() - 1);
            } else if (x < crash && !configuration.has(Trait.NO_CRASH) && !active.isEmpty()) {
                crashOne();
            } else if (x < crash + 0.03) {
                loseMemory();
            } else if (x < jump) {
                world.now += world.any(List.of(1, 1000, 3_000_000, 9_999_990));
            } else if (x < evict) {
                String key = world.any(world.keys);
                world.say("EVICT", key, world.shard.evict(key));
            } else if (x < evict + 0.05) {
                deliver();
            } else if (!active.isEmpty()) {
                advance(world.random.nextInt(active.size()));
            }
        }
        for (SimulatedProcess process : active) {
            if (process.isMortal()) {
                process.crash();
            } else {
                process.runToEnd();
            }
        }
    }

    private SimulatedProcess process(Action action) {
        String key = world.any(world.keys);
        return switch (action) {
            case THROUGH_SAVE -> new ThroughWriter(world, key, false);
            case THROUGH_DELETE -> new ThroughWriter(world, key, true);
            case BACK_SAVE, BACK_DELETE, BACK_INSERT, BACK_UPDATE, BACK_SWAP -> new BackWriter(world, key, action);
            case DIRECT_SAVE -> new DirectWriter(world, key, false);
            case DIRECT_DELETE -> new DirectWriter(world, key, true);
            case READ, STRONG_READ, NEAR_READ -> new Reader(world, key, action, false);
            case DRAIN -> new Drainer(world);
        };
    }

    private void advance(int index) {
        world.now += 10;
        SimulatedProcess process = active.get(index);
        world.say("step", process.getClass().getSimpleName());
        if (!process.advance()) {
            active.remove(index);
        }
    }

    private void crashOne() {
        SimulatedProcess process = world.any(active);
        if (process.isMortal()) {
            world.say("CRASH", process.getClass().getSimpleName());
            process.crash();
            active.remove(process);
        }
    }

    private void loseMemory() {
        if (configuration.has(Trait.FLUSH)) {
            world.say("FLUSH");
            world.faults++;
            world.shard.flush(world.keys);
        } else if (configuration.has(Trait.FAILOVER)) {
            if (snapshot == null || world.chance(0.4)) {
                snapshot = world.shard.snapshot(world.keys);
                return;
            }
            world.say("FAILOVER");
            world.faults++;
            world.shard.goBack(world.keys, snapshot);
            snapshot = null;
            if (configuration.keeps(Protection.NEW_GENERATION)) {
                world.era++;
                world.open();
            }
            if (configuration.keeps(Protection.RESTORE)) {
                active.add(new Restorer(world, world.remembered));
            }
        }
    }

    /** The feed delivers a commit, at times more than once. */
    private void deliver() {
        ModelPrimary.Commit commit = world.primary.feed().peek();
        if (commit != null && configuration.has(Trait.FEED)) {
            world.openCall(Scripts.INVAL, commit.key(), commit.version());
            if (!world.chance(0.1)) {
                world.primary.feed().remove();
            }
        }
    }

    private void rest() {
        world.now += LONG_MICROS;
        int drains = 0;
        while (true) {
            while (configuration.has(Trait.FEED) && !world.primary.feed().isEmpty()) {
                deliver();
            }
            if (world.shard.queued() == 0) {
                break;
            }
            if (++drains > MOST_DRAINS) {
                throw new Violation("stuck: the queue does not drain");
            }
            new Drainer(world).runToEnd();
            world.now += LONG_MICROS;
        }
        for (String key : world.keys) {
            compare(key);
        }
        world.history.checkSwaps();
        ScriptedShard.Counters counters = Objects.requireNonNull(world.shard.counters());
        if (counters.hollow() != 0 || (!configuration.losesMemory() && counters.acked() != world.acked)) {
            throw new Violation("conservation: " + world.acked + " acknowledged, at rest " + counters);
        }
    }

    private void compare(String key) {
        world.now += LONG_MICROS;
        for (Action action : List.of(Action.READ, Action.STRONG_READ)) {
            Reader reader = new Reader(world, key, action, true);
            reader.runToEnd();
            ModelPrimary.Row row = world.primary.row(key);
            String stored = row == null ? null : row.value();
            if (!Objects.equals(stored, reader.answer())) {
                throw new Violation("divergence: " + action + " answers " + reader.answer() + ", the row is " + row);
            }
            ModelNear.Held held = world.near.get(key);
            if (held != null && !Objects.equals(stored, held.value())) {
                throw new Violation("divergence: near holds " + held + ", the row is " + row);
            }
        }
        byte[] raw = world.shard.entry(key);
        if (raw != null && EntryLayout.decode(raw).pending()) {
            throw new Violation("orphan: pending but not queued");
        }
    }
}
