package dev.understudy.torture;

import dev.understudy.CachedRepository;
import dev.understudy.checkers.Operation;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioned;
import dev.understudy.model.Write;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Predicate;
import java.util.stream.LongStream;

/**
 * A process that reads and writes from several threads, round after round, as lines on its standard input tell it:
 * {@code Actor <number> <seed>}.
 */
final class Actor {
    /** What it says when it has all classes and waits for its place. */
    static final String LOADED = "loaded";
    /** Gives it its place: {@code open <Redis> <Postgres> <connections>}. */
    static final String OPEN = "open ";
    /** What it says when it waits for a round. */
    static final String READY = "ready";
    /** What it says when its calls of a round are over. */
    static final String STOPPED = "stopped";
    /** What it says before each of its copies: {@code copy <table> <id> <number>}. */
    static final String COPY = "copy ";
    /** What it says when all copies are told. */
    static final String COMPARED = "compared";

    /** Begins a round: {@code round <number> <mix>}. */
    private static final String ROUND = "round ";
    /** Has it make no calls in a round of that number, and know its rows. */
    static final String WATCH = "watch ";
    /** Asks for the copies of the round's rows that the near replicas hold. */
    static final String COMPARE_NEAR = "compare near";
    /** Asks how the near replicas are doing, and begins the answer: {@code near <pulls> <hits>}. */
    static final String NEAR = "near";
    /** Ends a round. */
    static final String STOP = "stop";
    /** Asks for the copies of the round's rows. */
    static final String COMPARE = "compare";
    /** Has it write back rows that are refused, of keys that nobody reads. */
    static final String POISON = "poison";
    /** What it says when it has. */
    static final String POISONED = "poisoned";
    /** Ends the process at a {@link CrashPoint}. */
    static final String CRASH = "crash ";

    static final int THREADS = 12;
    private static final int LOADERS = 2;
    private static final int POISONS = 4;
    private static final Duration AGAIN = Duration.ofMillis(200);
    /** How long its answers are asked for before it ends itself, as nobody may be left who waits for them. */
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    static final String FOLDER = "torture.folder";
    static final String JOURNAL = "torture.journal";
    static final String REDIS = "torture.redis";
    static final String JDBC = "torture.jdbc";

    private final Instance instance;
    private final Path deaths;
    private final Crash crash;
    private final int number;
    private final long seed;
    private final List<Thread> threads = new ArrayList<>();
    private List<Caller> callers = List.of();
    private long round;

    private Actor(Instance instance, Path deaths, Crash crash, int number, long seed) {
        this.instance = instance;
        this.deaths = deaths;
        this.crash = crash;
        this.number = number;
        this.seed = seed;
    }

    public static void main(String[] arguments) throws Exception {
        Thread.setDefaultUncaughtExceptionHandler((thread, failure) -> {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1);
        });
        Path deaths = Path.of(System.getProperty(JOURNAL, ""));
        Crash crash = new Crash(CrashPoint.NEVER, () -> true, new Journal(deaths));
        load(crash);
        System.out.println(LOADED);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        String place = input.readLine();
        if (place != null) {
            String[] words = place.split(" ", -1);
            Instance instance =
                    Instance.open(Instance.NAMESPACE, words[1], words[2], Integer.parseInt(words[3]), crash);
            Actor actor =
                    new Actor(instance, deaths, crash, Integer.parseInt(arguments[0]), Long.parseLong(arguments[1]));
            System.out.println(READY);
            for (String line = input.readLine(); line != null; line = input.readLine()) {
                actor.obey(line);
            }
        }
        // Nobody tells it any more what to do.
        Runtime.getRuntime().halt(0);
    }

    /** Uses most classes once, past the proxies and under another name. */
    private static void load(Crash crash) {
        try (Instance instance =
                Instance.open("loading", System.getProperty(REDIS, ""), System.getProperty(JDBC, ""), LOADERS, crash)) {
            for (Rows rows : Rows.values()) {
                instance.on(rows).find(-1L);
            }
        } catch (RuntimeException e) {
            // A server is away just now: the classes are loaded when there is a place.
            System.err.println("loading: " + e.getMessage());
        }
    }

    private void obey(String line) throws IOException, InterruptedException {
        if (line.startsWith(ROUND)) {
            String[] words = line.split(" ", -1);
            begin(Long.parseLong(words[1]), Caller.Mix.valueOf(words[2]));
        } else if (line.startsWith(WATCH)) {
            round = Long.parseLong(line.substring(WATCH.length()));
        } else if (line.startsWith(CRASH)) {
            crash.arm(CrashPoint.valueOf(line.substring(CRASH.length())));
        } else if (line.equals(POISON)) {
            poison();
            System.out.println(POISONED);
        } else if (line.equals(STOP)) {
            callers.forEach(Caller::stop);
            for (Thread thread : threads) {
                thread.join();
            }
            threads.clear();
            System.out.println(STOPPED);
        } else if (line.equals(COMPARE)) {
            compare(found -> true);
        } else if (line.equals(COMPARE_NEAR)) {
            compare(found -> found.tier() == Tier.NEAR);
        } else if (line.equals(NEAR)) {
            System.out.println(NEAR + " " + instance.pulls() + " " + instance.nearHits());
        } else {
            throw new IOException("an unknown line");
        }
    }

    /** What begins a round of that number, with such calls. */
    static String round(long number, Caller.Mix mix) {
        return ROUND + number + " " + mix;
    }

    /** The journal of a process's calls in a round, beside the one of its deaths. */
    static Path journalOf(Path deaths, long round) {
        return deaths.resolveSibling(deaths.getFileName() + "-" + round);
    }

    private void begin(long next, Caller.Mix mix) {
        round = next;
        Journal journal = new Journal(journalOf(deaths, round));
        List<Caller> all = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            SplittableRandom random = new SplittableRandom(seed * 31 + round * THREADS + i);
            Sessions sessions = new Sessions(Path.of(System.getProperty(FOLDER, "")), round);
            all.add(new Caller(instance, journal, sessions, random, number * THREADS + i, round, mix));
        }
        callers = all;
        all.forEach(caller -> threads.add(new Thread(caller, "caller")));
        threads.forEach(Thread::start);
    }

    private void poison() {
        for (int i = 0; i < POISONS; i++) {
            long id = Caller.firstOf(round)
                    + Caller.KEYS
                    + ThreadLocalRandom.current().nextInt(Caller.KEYS);
            try {
                instance.on(Rows.VERSIONED).save(new Entry(id, 1, Rows.POISON), Write.back());
            } catch (UnderstudyException e) {
                // It may be accepted or not.
            }
        }
    }

    private void compare(Predicate<Versioned<Entry>> tells) throws IOException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        for (Rows rows : Rows.values()) {
            CachedRepository<Long, Entry> repository = instance.on(rows);
            List<Long> ids = LongStream.range(0, Caller.KEYS)
                    .mapToObj(i -> Caller.firstOf(round) + i)
                    .toList();
            while (!told(rows, repository, ids, tells)) {
                if (System.nanoTime() > end) {
                    throw new IOException("the servers do not answer");
                }
                FaultKind.pause(AGAIN);
            }
        }
        System.out.println(COMPARED);
    }

    private static boolean told(
            Rows rows, CachedRepository<Long, Entry> repository, List<Long> ids, Predicate<Versioned<Entry>> tells) {
        try {
            repository.readAll(ids, Read.eventual()).forEach((id, found) -> {
                if (tells.test(found)) {
                    long value = found.value().map(Entry::number).orElse(Operation.NOTHING);
                    System.out.println(COPY + rows + " " + id + " " + value);
                }
            });
            return true;
        } catch (UnderstudyException e) {
            // A server is just back: who asked waits for a while.
            System.err.println("the copies cannot be read yet: " + e.getMessage());
            return false;
        }
    }
}
