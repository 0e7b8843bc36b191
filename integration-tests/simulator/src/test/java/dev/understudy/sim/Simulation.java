package dev.understudy.sim;

import dev.understudy.checkers.BoundedStaleness;
import dev.understudy.checkers.Copies;
import dev.understudy.checkers.Linearizability;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Provenance;
import dev.understudy.checkers.SessionGuarantees;
import dev.understudy.checkers.Violation;
import dev.understudy.model.Consistency;
import dev.understudy.model.Read;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.sim.Faults.Kind;
import dev.understudy.spi.CommitLog;
import dev.understudy.spi.Item;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One run: a seed, what came of it. Not thread-safe; runs of different seeds may go on side by side. */
final class Simulation {
    private static final Duration DELAY = Duration.ofMillis(20);

    private final World world;
    private final Clients clients;
    private final Scheduler scheduler;
    private final List<Violation> violations = new ArrayList<>();
    private int clientsLeft;
    private boolean isOver;

    /** What a run found. */
    record Result(
            long seed, Plan plan, long steps, Map<Kind, Integer> faults, List<Violation> violations, String history) {}

    private Simulation(long seed) {
        world = new World(seed);
        clients = new Clients(world);
        scheduler = world.scheduler;
    }

    /** Runs a seed. */
    static Result run(long seed) {
        Simulation simulation = new Simulation(seed);
        Throwable failure = simulation.run();
        if (failure != null) {
            simulation.violations.add(new Violation("run", "-", trace(failure), List.of()));
        }
        StringBuilder text = new StringBuilder();
        if (!simulation.violations.isEmpty()) {
            simulation
                    .clients
                    .history
                    .operations()
                    .forEach(operation -> text.append("\n  ").append(operation));
            simulation
                    .world
                    .commits
                    .changes()
                    .forEach(change -> text.append("\n  commit ").append(change));
        }
        return new Result(
                seed,
                simulation.world.plan,
                simulation.scheduler.steps(),
                simulation.world.faults.counts(),
                simulation.violations,
                text.toString());
    }

    private static String trace(Throwable failure) {
        java.io.StringWriter text = new java.io.StringWriter();
        failure.printStackTrace(new java.io.PrintWriter(text));
        return text.toString();
    }

    private @Nullable Throwable run() {
        scheduler.environment(world::befall);
        scheduler.spawn(Scheduler.NOBODY, this::direct);
        return scheduler.run();
    }

    private void direct() {
        for (int i = 0; i < world.plan.instances(); i++) {
            begin(world.start());
        }
        clientsLeft = world.plan.clients();
        for (int i = 0; i < world.plan.clients(); i++) {
            int process = i;
            scheduler.spawn(Scheduler.NOBODY, () -> {
                clients.run(process);
                clientsLeft--;
            });
        }
        world.faults.on(true);
        while (clientsLeft > 0) {
            scheduler.await(() -> clientsLeft == 0 || world.alive().isEmpty(), Long.MAX_VALUE);
            if (clientsLeft > 0) {
                world.faults.on(false);
                begin(world.start());
                world.faults.on(true);
            }
        }
        isOver = true;
        world.calm();
        quiesce();
        examine();
    }

    /** The threads that an instance has besides its callers'. */
    private void begin(World.Instance instance) {
        if (world.plan.back()) {
            scheduler.spawn(instance.number, () -> {
                while (!isOver) {
                    boolean isMore = instance.stepped.stepDrain();
                    pause(isMore ? Duration.ofNanos(1) : DELAY);
                }
            });
        }
        scheduler.spawn(instance.number, () -> {
            while (!isOver) {
                pause(World.STALENESS.dividedBy(3));
                upkeep(instance);
            }
        });
    }

    private void pause(Duration duration) {
        scheduler.await(() -> isOver, duration.toNanos() / 2 + world.random.nextLong(duration.toNanos()));
    }

    private static void upkeep(World.Instance instance) {
        instance.engine().confirm();
        instance.late.retry(instance.clock, Duration.ofMillis(200));
        instance.engine().recover();
        instance.engine().deliverMissed();
    }

    /** Lets every lease and marker run out and drains what is pending. */
    private void quiesce() {
        world.start();
        for (int round = 0; round < 6; round++) {
            scheduler.await(() -> false, Duration.ofSeconds(7).toNanos());
            world.settleMessages();
            for (World.Instance instance : world.alive()) {
                upkeep(instance);
                for (int i = 0; i < 8 && world.plan.back() && instance.stepped.stepDrain(); i++) {
                    scheduler.step();
                }
            }
            world.settleMessages();
        }
    }

    private void examine() {
        Map<String, Long> rows = new TreeMap<>();
        world.commits.rows().forEach((key, row) -> rows.put(key, (long) ((Item) row).amount()));
        Map<String, Map<String, Long>> copies = new TreeMap<>();
        for (World.Instance instance : world.alive()) {
            instance.engine().confirm();
            copies.put("near of " + instance.number, answers(instance, Consistency.bounded(World.STALENESS)));
            copies.put("shared by " + instance.number, answers(instance, Consistency.bounded(Duration.ZERO)));
            copies.put("strong by " + instance.number, answers(instance, Consistency.STRONG));
        }
        violations.addAll(Copies.convergence(rows, copies));
        if (world.pending() > 0) {
            violations.add(new Violation("drain", "-", world.pending() + " entries stay pending", List.of()));
        }
        conservation();
        violations.addAll(Copies.versionOrder(commits()));
        violations.addAll(Copies.fencing(commits()));
        violations.addAll(Provenance.noValueFromNowhere(clients.history));
        if (!world.hasLostMemory() || !clients.haveDeadWriters()) {
            violations.addAll(Provenance.noAcknowledgedWriteLost(clients.history, rows, Set.of()));
        }
        if (!world.hasLostMemory() || !world.plan.back()) {
            violations.addAll(Linearizability.check(clients.history));
        }
        if (!world.hasLostMemory()) {
            violations.addAll(BoundedStaleness.check(clients.history, 0));
            violations.addAll(SessionGuarantees.check(clients.history));
            violations.addAll(Provenance.nothingComesBack(clients.history));
        }
    }

    private Map<String, Long> answers(World.Instance instance, Consistency level) {
        Map<String, Long> answers = new TreeMap<>();
        for (long key = 1; key <= world.plan.keys(); key++) {
            Optional<Item> value = Clients.present(
                            instance.engine(), key, new Read(Optional.of(level), Optional.empty()), null)
                    .value();
            answers.put(
                    Clients.text(key), value.map(item -> (long) item.amount()).orElse(Operation.NOTHING));
        }
        return answers;
    }

    private void conservation() {
        if (!world.plan.back()) {
            return;
        }
        WriteBackStatus status = world.alive().get(0).engine().status();
        violations.addAll(Copies.conservation(Map.of(
                0,
                new Copies.Counts(
                        status.acked(),
                        status.applied(),
                        status.superseded(),
                        status.dead(),
                        status.pending(),
                        status.lost()))));
        if (status.lost() > 0 && !world.hasLostMemory()) {
            violations.add(new Violation("drain", "-", status.lost() + " writes count as lost", List.of()));
        }
    }

    private List<Copies.Commit> commits() {
        List<Copies.Commit> commits = new ArrayList<>();
        for (CommitLog.Change change : world.commits.changes()) {
            int shard = world.address(Long.parseLong(change.key())).shard();
            boolean isVersioned = world.plan.versioning().isVersioned();
            commits.add(new Copies.Commit(
                    change.key(),
                    isVersioned ? change.version() : commits.size() + 1,
                    change.value().map(row -> (long) ((Item) row).amount()).orElse(Operation.NOTHING),
                    shard,
                    change.epochs().getOrDefault(shard, 0L)));
        }
        return commits;
    }
}
