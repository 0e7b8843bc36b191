package dev.understudy.comparison;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.torture.Journal;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.redisson.Redisson;
import org.redisson.api.RMap;
import org.redisson.api.RedissonClient;
import org.redisson.api.map.WriteMode;
import org.redisson.api.options.MapOptions;
import org.redisson.config.Config;

/**
 * A process that writes through a write-behind map until so many of its calls are acknowledged, and writes behind until a line comes on its
 * standard input: {@code Worker <number> <acknowledged> <stands still>}. If it is to stand still, it goes on with its load instead, says
 * {@link #WRITING} inside its next transaction and waits there to be killed.
 */
final class Worker {
    static final String REDIS = "comparison.redis";
    static final String JDBC = "comparison.jdbc";
    static final String JOURNAL = "comparison.journal";
    static final String MAP = "entries";

    static final String READY = "ready";
    static final String WRITING = "writing";
    static final String LOADED = "loaded";

    private static final int THREADS = 2;
    private static final int BITS_OF_THREAD = 32;

    private final RMap<Long, Long> map;
    private final Journal journal;
    private final AtomicLong acknowledged;
    private final BooleanSupplier isEnough;

    private Worker(RMap<Long, Long> map, Journal journal, AtomicLong acknowledged, BooleanSupplier isEnough) {
        this.map = map;
        this.journal = journal;
        this.acknowledged = acknowledged;
        this.isEnough = isEnough;
    }

    /** The key that a worker puts last: when its row is there, everything that this process took out of the queue before is written. */
    static long last(int number) {
        return -number;
    }

    public static void main(String[] arguments) throws Exception {
        int number = Integer.parseInt(arguments[0]);
        long enough = Long.parseLong(arguments[1]);
        boolean standsStill = Boolean.parseBoolean(arguments[2]);
        AtomicLong acknowledged = new AtomicLong();
        Config config = new Config();
        config.useSingleServer().setAddress(System.getProperty(REDIS, ""));
        RedissonClient redisson = Redisson.create(config);
        RowWriter writer = new RowWriter(System.getProperty(JDBC, ""), () -> {
            if (standsStill && acknowledged.get() >= enough) {
                System.out.println(WRITING);
                standStill();
            }
        });
        // Batch and delay as its documentation names them as defaults; where they are not set, nothing is written while
        // the queue has entries.
        RMap<Long, Long> map = redisson.getMap(MapOptions.<Long, Long>name(MAP)
                .writer(writer)
                .writeMode(WriteMode.WRITE_BEHIND)
                .writeBehindBatchSize(50)
                .writeBehindDelay(1000));
        BufferedReader commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Journal journal = new Journal(Path.of(System.getProperty(JOURNAL, "")))) {
            Worker worker = new Worker(map, journal, acknowledged, () -> !standsStill && acknowledged.get() >= enough);
            List<Thread> threads = new ArrayList<>();
            for (int thread = 0; thread < THREADS; thread++) {
                int process = number * THREADS + thread;
                threads.add(new Thread(() -> worker.load(process, first(process))));
            }
            threads.forEach(Thread::start);
            System.out.println(READY);
            for (Thread thread : threads) {
                thread.join();
            }
            System.out.println(LOADED);
            commands.readLine();
            int spare = number * THREADS + THREADS - 1;
            worker.call(spare, Kind.WRITE, last(number), first(spare + 1) - 1);
            commands.readLine();
            redisson.shutdown();
        }
    }

    /** Numbers of calls and keys of one thread begin here. */
    private static long first(int process) {
        return (long) process << BITS_OF_THREAD;
    }

    /** Every key is put; one of three is removed afterwards. */
    private void load(int process, long first) {
        long id = first;
        for (long key = first; !isEnough.getAsBoolean(); key++) {
            call(process, Kind.WRITE, key, ++id);
            if (key % 3 == 2) {
                call(process, Kind.DELETE, key, ++id);
            }
        }
    }

    private void call(int process, Kind kind, long key, long id) {
        journal.invoked(List.of(new Journal.Invocation(id, process, kind, Level.STRONG, key)));
        if (kind == Kind.WRITE) {
            map.fastPut(key, id);
        } else {
            map.fastRemove(key);
        }
        long value = kind == Kind.WRITE ? id : Operation.NOTHING;
        journal.answered(List.of(new Journal.Answer(id, Outcome.OK, value, id)));
        acknowledged.incrementAndGet();
    }

    private static void standStill() {
        try {
            new CountDownLatch(1).await();
        } catch (InterruptedException e) { // nobody interrupts it; the kill is what ends it
            Thread.currentThread().interrupt();
        }
    }
}
