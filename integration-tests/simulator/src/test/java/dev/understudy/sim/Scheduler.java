package dev.understudy.sim;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs actors one at a time, each on a thread of its own, and hands over at every step in an order that the seed picks. Time stands still but
 * for what the scheduler lets pass. Confined to whichever actor runs, so nothing in it is synchronised: a hand-over through a semaphore
 * orders all that was done before it.
 */
final class Scheduler {
    /** Belongs to no instance; cannot be killed. */
    static final int NOBODY = -1;

    /** Whether runs print what they do: {@code -Dsim.trace=true}. */
    static final boolean TRACE = Boolean.getBoolean("sim.trace");

    private static final long STEPS = 60_000;
    private static final ExecutorService THREADS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "actor");
        thread.setDaemon(true);
        return thread;
    });

    /** The actor's instance was killed: it does nothing any more. */
    static final class Crashed extends Error {
        private static final long serialVersionUID = 1L;

        Crashed() {
            super("the instance was killed", null, false, false);
        }
    }

    private static final class Actor {
        final Semaphore gate = new Semaphore(0);
        int instance;
        boolean killed;
        boolean sending;
        boolean finished;
        long wakeAt;

        @Nullable
        BooleanSupplier until;

        Actor(int instance) {
            this.instance = instance;
        }
    }

    private final Random random;
    private final double switches;
    private final List<Actor> actors = new ArrayList<>();
    private final CountDownLatch over = new CountDownLatch(1);
    private Runnable environment = () -> {};
    private @Nullable Actor current;
    private @Nullable Throwable failure;
    private boolean stopping;
    private long now = 1;
    private long steps;
    private long thawAt;
    private int frozen = NOBODY;

    /** @param switches how often a step hands over, 0 to 1 */
    Scheduler(Random random, double switches) {
        this.random = random;
        this.switches = switches;
    }

    /** Runs at each step, before the next actor is chosen; must not step. */
    void environment(Runnable faults) {
        environment = faults;
    }

    /** Nanoseconds since the start. */
    long now() {
        return now;
    }

    void trace(String line) {
        if (TRACE) {
            System.out.println(now / 1000 + " " + line);
        }
    }

    /** Another moment, after all others. */
    long tick() {
        return ++now;
    }

    long steps() {
        return steps;
    }

    void advance(long nanos) {
        now += nanos;
    }

    /** An actor that will run when it is chosen. */
    void spawn(int instance, Runnable body) {
        Actor actor = new Actor(instance);
        actors.add(actor);
        THREADS.execute(() -> {
            actor.gate.acquireUninterruptibly();
            try {
                if (!actor.killed && !stopping) {
                    body.run();
                }
            } catch (Crashed e) {
                // The end of an actor whose instance was killed.
                actor.killed = true;
            } catch (Throwable e) {
                failure = failure == null ? e : failure;
                stopping = true;
            }
            actor.finished = true;
            handOver(choose(actor));
        });
    }

    /** Runs until all actors have finished; answers what one of them failed with, if any. */
    @Nullable
    Throwable run() {
        handOver(choose(null));
        try {
            over.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return failure;
    }

    /** The running actor works for that instance from now on and dies with it. */
    void enter(int instance) {
        self().instance = instance;
        self().killed = false;
    }

    /** Others may run. */
    void step() {
        Actor self = self();
        check(self);
        pass(self);
        check(self);
    }

    /** The same, as something is on its way out: if the actor is killed meanwhile, it may arrive still. */
    void send() {
        Actor self = self();
        check(self);
        self.sending = true;
        pass(self);
        if (self.killed && self.sending) {
            self.sending = false;
            return;
        }
        self.sending = false;
        check(self);
    }

    /** Throws if the running actor was killed. */
    void check() {
        check(self());
    }

    private void check(Actor self) {
        if (self.killed || stopping) {
            throw new Crashed();
        }
    }

    /** Waits until something holds, or so long; answers whether it holds. */
    boolean await(BooleanSupplier condition, long nanos) {
        Actor self = self();
        check(self);
        self.until = condition;
        self.wakeAt = nanos > Long.MAX_VALUE / 4 ? Long.MAX_VALUE / 4 : now + nanos;
        pass(self);
        self.until = null;
        check(self);
        return condition.getAsBoolean();
    }

    /** Kills every actor that works for the instance; what is on its way out arrives or not. */
    void kill(int instance) {
        for (Actor actor : actors) {
            if (!actor.finished && actor.instance == instance && !actor.killed) {
                actor.killed = true;
                actor.sending &= random.nextBoolean();
            }
        }
    }

    /** Stops an instance for so many steps. */
    void freeze(int instance, long forSteps) {
        frozen = instance;
        thawAt = steps + forSteps;
    }

    void thaw() {
        frozen = NOBODY;
    }

    private Actor self() {
        if (current == null) {
            throw new IllegalStateException("no actor runs");
        }
        return current;
    }

    private void pass(Actor self) {
        if (++steps > STEPS && !stopping) {
            failure = new IllegalStateException("no end after " + STEPS + " steps");
            stopping = true;
        }
        now += 1 + random.nextInt(100_000);
        environment.run();
        if (frozen != NOBODY && steps > thawAt) {
            frozen = NOBODY;
        }
        boolean stays = self.until == null && self.instance != frozen && random.nextDouble() >= switches;
        Actor next = stays || stopping ? self : choose(null);
        if (next != null && next != self) {
            handOver(next);
            self.gate.acquireUninterruptibly();
        }
    }

    private void handOver(@Nullable Actor next) {
        if (next == null) {
            over.countDown();
        } else {
            current = next;
            next.gate.release();
        }
    }

    /** The next actor; lets time pass if all of them wait. Null if all have finished. */
    private @Nullable Actor choose(@Nullable Actor without) {
        List<Actor> ready = new ArrayList<>();
        long earliest = Long.MAX_VALUE;
        boolean isAny = false;
        boolean isFrozen = false;
        for (Actor actor : actors) {
            if (actor.finished || actor == without) {
                continue;
            }
            isAny = true;
            BooleanSupplier until = actor.until;
            if (actor.instance == frozen && frozen != NOBODY && !stopping) {
                isFrozen = true;
            } else if (stopping || actor.killed || until == null || actor.wakeAt <= now || until.getAsBoolean()) {
                ready.add(actor);
            } else {
                earliest = Math.min(earliest, actor.wakeAt);
            }
        }
        if (!ready.isEmpty()) {
            return ready.get(random.nextInt(ready.size()));
        }
        if (!isAny) {
            return null;
        }
        if (isFrozen && earliest > now + 30_000_000_000L) {
            frozen = NOBODY;
            return choose(without);
        }
        if (earliest >= Long.MAX_VALUE / 4) {
            failure = failure == null ? new IllegalStateException("every actor waits for ever") : failure;
            stopping = true;
            return choose(without);
        }
        now = earliest;
        return choose(without);
    }
}
