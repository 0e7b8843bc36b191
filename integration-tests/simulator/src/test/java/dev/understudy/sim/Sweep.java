package dev.understudy.sim;

import dev.understudy.checkers.Violation;
import dev.understudy.sim.Faults.Kind;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/** Many seeds, side by side. Thread-safe. */
final class Sweep {
    private final long from;
    private final AtomicLong next;
    private final long until;
    private final long endNanos;
    private final int most;
    private final List<Simulation.Result> bad = new ArrayList<>();
    private final Map<Kind, Integer> faults = new EnumMap<>(Kind.class);
    private long runs;
    private long steps;

    private Sweep(long from, long seeds, long seconds, int most) {
        this.from = from;
        this.next = new AtomicLong(from);
        this.until = from + seeds;
        this.endNanos = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
        this.most = most;
    }

    /**
     * Runs seeds until so many have been run, the time is over or so many have found something.
     *
     * @param threads how many seeds run at a time
     */
    static Sweep of(long from, long seeds, long seconds, int most, int threads) throws InterruptedException {
        Sweep sweep = new Sweep(from, seeds, seconds, most);
        CountDownLatch left = new CountDownLatch(threads);
        for (int i = 0; i < threads; i++) {
            Thread thread = new Thread(
                    () -> {
                        try {
                            sweep.run();
                        } finally {
                            left.countDown();
                        }
                    },
                    "sweep-" + i);
            thread.setDaemon(true);
            thread.start();
        }
        left.await();
        return sweep;
    }

    private void run() {
        while (System.nanoTime() < endNanos && bad().size() < most) {
            long seed = next.getAndIncrement();
            if (seed >= until) {
                return;
            }
            add(Simulation.run(seed));
        }
    }

    private synchronized void add(Simulation.Result result) {
        runs++;
        steps += result.steps();
        result.faults().forEach((kind, count) -> faults.merge(kind, count, Integer::sum));
        if (!result.violations().isEmpty()) {
            bad.add(result);
        }
    }

    /** The runs that found something. */
    synchronized List<Simulation.Result> bad() {
        return List.copyOf(bad);
    }

    /** One line about all of it. */
    @Override
    public synchronized String toString() {
        return "simulator: " + runs + " seeds from " + from + ", " + steps + " steps, " + bad.size()
                + " with violations, faults " + faults;
    }

    /** For a look by hand: {@code FROM SEEDS [THREADS]}. Prints a line for each seed that found something. */
    public static void main(String[] arguments) throws InterruptedException {
        long from = Long.parseLong(arguments[0]);
        long seeds = Long.parseLong(arguments[1]);
        Sweep sweep =
                of(from, seeds, 100_000, Integer.MAX_VALUE, arguments.length > 2 ? Integer.parseInt(arguments[2]) : 1);
        for (Simulation.Result result : sweep.bad()) {
            List<String> checks = result.violations().stream()
                    .map(Violation::check)
                    .distinct()
                    .toList();
            System.out.println(result.seed() + " " + checks + " " + result.plan());
            if (seeds == 1) {
                System.out.println(result.violations() + result.history());
            }
        }
        System.out.println(sweep);
    }
}
