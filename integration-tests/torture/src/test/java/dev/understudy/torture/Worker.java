package dev.understudy.torture;

import dev.understudy.CachedRepository;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A process that writes back in batches from several threads until it ends itself at a point, or is told to stop by a line on its
 * standard input: {@code Worker <number> <point> <acknowledged before> <seed>}.
 */
final class Worker {
    static final String READY = "ready";
    static final String STOPPED = "stopped";
    static final int THREADS = 3;

    private static final int BATCH = 60;
    private static final int HOT = 40;
    private static final int COLD = 4_000;
    private static final int BITS_OF_CALLS = 32;

    private final CachedRepository<Long, Entry> entries;
    private final Journal journal;
    private final AtomicLong acked;
    private final AtomicLong ids;
    private final int number;
    private volatile boolean running = true;

    private Worker(CachedRepository<Long, Entry> entries, Journal journal, AtomicLong acked, int number) {
        this.entries = entries;
        this.journal = journal;
        this.acked = acked;
        this.number = number;
        this.ids = new AtomicLong((long) number << BITS_OF_CALLS);
    }

    public static void main(String[] arguments) throws Exception {
        int number = Integer.parseInt(arguments[0]);
        CrashPoint point = CrashPoint.valueOf(arguments[1]);
        long before = Long.parseLong(arguments[2]);
        long seed = Long.parseLong(arguments[3]);
        Journal journal = new Journal(Path.of(System.getProperty("torture.journal", "")));
        AtomicLong acked = new AtomicLong();
        Crash crash = new Crash(point, () -> acked.get() >= before, journal);
        Member member = Member.open(crash);
        Worker worker = new Worker(member.entries(), journal, acked, number);
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            int thread = i;
            threads.add(new Thread(() -> worker.run(thread, new SplittableRandom(seed * THREADS + thread))));
        }
        threads.forEach(Thread::start);
        System.out.println(READY);
        System.in.read();
        worker.running = false;
        for (Thread thread : threads) {
            thread.join();
        }
        System.out.println(STOPPED + " " + acked.get());
        System.in.read();
    }

    private void run(int thread, SplittableRandom random) {
        while (running) {
            Set<Long> keys = new LinkedHashSet<>();
            while (keys.size() < BATCH) {
                boolean isHot = random.nextInt(6) == 0;
                keys.add(isHot ? random.nextLong(HOT) : HOT + random.nextLong(COLD));
            }
            Kind kind = random.nextInt(8) == 0 ? Kind.DELETE : Kind.WRITE;
            batch(number * THREADS + thread, kind, List.copyOf(keys));
        }
    }

    private void batch(int process, Kind kind, List<Long> keys) {
        List<Journal.Invocation> calls = new ArrayList<>();
        List<Entry> values = new ArrayList<>();
        for (long key : keys) {
            long id = ids.incrementAndGet();
            calls.add(new Journal.Invocation(id, process, kind, Level.STRONG, key));
            values.add(new Entry(key, id, "text of " + id));
        }
        journal.invoked(calls);
        Map<Long, WriteReceipt> receipts = Map.of();
        try {
            receipts =
                    kind == Kind.DELETE ? entries.deleteAll(keys, Write.back()) : entries.saveAll(values, Write.back());
        } catch (UnderstudyException e) {
            System.err.println("a batch failed: " + e.getMessage());
        }
        List<Journal.Answer> answers = new ArrayList<>();
        for (Journal.Invocation call : calls) {
            @Nullable WriteReceipt receipt = receipts.get(Long.parseLong(call.key()));
            long value = kind == Kind.DELETE ? Operation.NOTHING : call.id();
            answers.add(new Journal.Answer(
                    call.id(),
                    receipt == null ? Outcome.UNKNOWN : Outcome.OK,
                    value,
                    receipt == null ? 0 : receipt.version().value()));
        }
        journal.answered(answers);
        acked.addAndGet(receipts.size());
    }
}
