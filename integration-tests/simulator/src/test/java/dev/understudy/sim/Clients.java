package dev.understudy.sim;

import dev.understudy.checkers.History;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.engine.CacheEngine;
import dev.understudy.engine.Mutation;
import dev.understudy.engine.Mutation.Verb;
import dev.understudy.engine.SessionState;
import dev.understudy.model.Consistency;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Item;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** What the callers do, and the history of it. Confined to the running actor. */
final class Clients {
    final History history;
    /** Those who wrote back: what was theirs may be lost if they die and the shared replica loses its memory too. */
    private final Set<World.Instance> writersBack = new HashSet<>();

    private final World world;
    private final Random random;
    private final Scheduler scheduler;
    private int nextValue = 1;

    Clients(World world) {
        this.world = world;
        this.random = world.random;
        this.scheduler = world.scheduler;
        this.history = new History(scheduler::tick);
    }

    /** Whether an instance that wrote back is dead: the loss of its writes would be legal if the shared replica lost its memory. */
    boolean haveDeadWriters() {
        return writersBack.stream().anyMatch(instance -> !instance.isAlive);
    }

    /** One caller: an operation after the other, each on any instance that lives. */
    void run(int process) {
        String name = world.plan.sessions() ? "s" + process : "";
        String token = new SessionState().token();
        for (int i = 0; i < world.plan.operations(); i++) {
            List<World.Instance> alive = world.alive();
            if (alive.isEmpty()) {
                scheduler.enter(Scheduler.NOBODY);
                scheduler.await(() -> !world.alive().isEmpty(), Long.MAX_VALUE);
                alive = world.alive();
            }
            World.Instance instance = alive.get(random.nextInt(alive.size()));
            scheduler.enter(instance.number);
            try {
                SessionState session = name.isEmpty() ? null : SessionState.resume(token);
                operate(process, name, session, instance);
                token = session == null ? token : session.token();
            } catch (Scheduler.Crashed e) {
                // The instance was killed; the caller goes on with another.
                if (instance.isAlive) {
                    throw e;
                }
            }
            scheduler.enter(Scheduler.NOBODY);
            scheduler.await(
                    () -> false, random.nextInt(20) == 0 ? random.nextInt(900_000_000) : random.nextInt(2_000_000));
        }
    }

    private void operate(int process, String name, @Nullable SessionState session, World.Instance instance) {
        long key = 1L + random.nextInt(world.plan.keys());
        int dice = random.nextInt(100);
        boolean isBack = world.plan.back() && (!world.plan.through() || random.nextBoolean());
        Write options = isBack ? Write.back() : Write.through();
        if (isBack) {
            writersBack.add(instance);
        }
        if (dice < 20) {
            read(process, name, session, instance, key, Level.STRONG, Duration.ZERO);
        } else if (dice < 35) {
            read(process, "", null, instance, key, Level.BOUNDED, Duration.ZERO);
        } else if (dice < 45) {
            read(process, "", null, instance, key, Level.BOUNDED, World.STALENESS);
        } else if (dice < 60 && session != null) {
            read(process, name, session, instance, key, Level.SESSION, World.STALENESS);
        } else if (dice < 62) {
            read(process, "", null, instance, key, Level.EVENTUAL, Duration.ZERO);
        } else if (dice < 72 && world.plan.deletes()) {
            History.Call call = history.delete(process, name, text(key));
            tell(call, () -> write(instance, session, key, Optional.empty(), Verb.DELETE, options));
        } else if (dice < 77) {
            insert(process, name, session, instance, key, options);
        } else if (dice < 85) {
            update(process, name, session, instance, key, options);
        } else {
            int value = nextValue++;
            History.Call call = history.write(process, name, text(key), value);
            Item item = new Item(key, "v", value);
            tell(call, () -> write(instance, session, key, Optional.of(item), Verb.SAVE, options));
        }
    }

    private void insert(
            int process,
            String name,
            @Nullable SessionState session,
            World.Instance instance,
            long key,
            Write options) {
        int value = nextValue++;
        History.Call call = history.write(process, name, text(key), value);
        Item item = new Item(key, "v", value);
        try {
            WriteReceipt receipt = write(instance, session, key, Optional.of(item), Verb.INSERT, options);
            scheduler.check();
            call.replaced(Operation.NOTHING, versionOf(receipt.version()));
        } catch (UnderstudyException e) {
            failed(call, e);
        }
    }

    private void update(
            int process,
            String name,
            @Nullable SessionState session,
            World.Instance instance,
            long key,
            Write options) {
        int value = nextValue++;
        AtomicReference<Item> before = new AtomicReference<>();
        History.Call call = history.write(process, name, text(key), value);
        try {
            WriteReceipt receipt = instance.engine()
                    .update(
                            key,
                            item -> {
                                before.set(item);
                                return new Item(key, "v", value);
                            },
                            options,
                            session);
            scheduler.check();
            call.replaced(before.get().amount(), versionOf(receipt.version()));
        } catch (UnderstudyException e) {
            failed(call, e);
        }
    }

    private interface Attempt {
        WriteReceipt make();
    }

    private void tell(History.Call call, Attempt attempt) {
        try {
            WriteReceipt receipt = attempt.make();
            scheduler.check();
            call.done(versionOf(receipt.version()));
        } catch (UnderstudyException e) {
            failed(call, e);
        }
    }

    private WriteReceipt write(
            World.Instance instance,
            @Nullable SessionState session,
            long key,
            Optional<Item> value,
            Verb verb,
            Write options) {
        Mutation<Long, Item> mutation = new Mutation<>(key, value, verb, Optional.empty());
        WriteReceipt receipt =
                instance.engine().write(List.of(mutation), options, session).get(key);
        if (receipt == null) {
            throw new IllegalStateException("a write without a receipt");
        }
        return receipt;
    }

    private void failed(History.Call call, UnderstudyException e) {
        scheduler.check();
        if (e.outcome() == Outcome.NOT_APPLIED) {
            call.failed();
        } else {
            call.unknown();
        }
    }

    void read(
            int process,
            String name,
            @Nullable SessionState session,
            World.Instance instance,
            long key,
            Level level,
            Duration bound) {
        Consistency consistency = level == Level.STRONG
                ? Consistency.STRONG
                : level == Level.EVENTUAL ? Consistency.EVENTUAL : Consistency.bounded(bound);
        Read options = new Read(Optional.of(consistency), Optional.empty());
        History.Call call = history.read(process, name, text(key), level, bound.toNanos());
        try {
            Versioned<Item> answer = present(instance.engine(), key, options, session);
            scheduler.check();
            if (answer.mayTrail()) {
                call.failed();
            } else {
                call.found(
                        answer.value().map(Item::amount).orElse(0),
                        answer.value().isPresent() ? versionOf(answer.version()) : 0);
            }
        } catch (UnderstudyException e) {
            scheduler.check();
            call.failed();
        }
    }

    static Versioned<Item> present(
            CacheEngine<Long, Item> engine, long key, Read options, @Nullable SessionState session) {
        Versioned<Item> answer =
                engine.reads().read(List.of(key), options, session).get(key);
        if (answer == null) {
            throw new IllegalStateException("a read without an answer");
        }
        return answer;
    }

    private static long versionOf(Version version) {
        return version.isUnknown() || version.value() <= Version.UNVERSIONED.value() ? 0 : version.value();
    }

    static String text(long key) {
        return Long.toString(key);
    }
}
