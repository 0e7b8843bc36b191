package dev.understudy.torture;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/** Threads of this process that write back in batches until they are told to stop, and what they know of it. Thread-safe. */
final class Writers implements AutoCloseable {
    private static final int BATCH = 20;
    private static final long PAUSE_AFTER_A_FAILURE = TimeUnit.MILLISECONDS.toNanos(5);
    private static final AtomicLong IDS = new AtomicLong();

    private final Queue<Operation> operations = new ConcurrentLinkedQueue<>();
    private final AtomicLong acked = new AtomicLong();
    private final List<Thread> threads = new ArrayList<>();
    private volatile boolean running = true;

    /** Saves and deletes of the keys from {@code first} on, {@code keys} of them, by one thread for each member. */
    void begin(List<Member> members, long first, int keys, long seed, LongFunction<String> text) {
        for (Member member : members) {
            SplittableRandom random = new SplittableRandom(seed + threads.size());
            Thread thread = new Thread(() -> {
                while (running) {
                    Set<Long> batch = new LinkedHashSet<>();
                    while (batch.size() < BATCH) {
                        batch.add(first + random.nextLong(keys));
                    }
                    Kind kind = random.nextInt(5) == 0 ? Kind.DELETE : Kind.WRITE;
                    write(member, kind, List.copyOf(batch), text);
                }
            });
            threads.add(thread);
            thread.start();
        }
    }

    /** One batch; answers whether it was acknowledged. */
    boolean write(Member member, Kind kind, List<Long> keys, LongFunction<String> text) {
        List<Entry> values = new ArrayList<>();
        for (long key : keys) {
            long id = IDS.incrementAndGet();
            values.add(new Entry(key, id, text.apply(id)));
        }
        long invoked = System.nanoTime();
        Map<Long, WriteReceipt> receipts = Map.of();
        try {
            receipts = kind == Kind.DELETE
                    ? member.entries().deleteAll(keys, Write.back())
                    : member.entries().saveAll(values, Write.back());
        } catch (UnderstudyException e) {
            if (e.outcome() == dev.understudy.model.Outcome.NOT_APPLIED) {
                LockSupport.parkNanos(PAUSE_AFTER_A_FAILURE);
                return false;
            }
        }
        for (Entry value : values) {
            @Nullable WriteReceipt receipt = receipts.get(value.id());
            operations.add(new Operation(
                    1,
                    "",
                    "" + value.id(),
                    kind,
                    Level.STRONG,
                    0,
                    kind == Kind.DELETE ? Operation.NOTHING : value.number(),
                    Operation.ANY,
                    receipt == null ? 0 : receipt.version().value(),
                    invoked,
                    receipt == null ? Operation.NEVER : System.nanoTime(),
                    receipt == null ? Outcome.UNKNOWN : Outcome.OK));
        }
        acked.addAndGet(receipts.size());
        return !receipts.isEmpty();
    }

    long acked() {
        return acked.get();
    }

    /** Ends the threads and answers all calls. */
    List<Operation> stop() throws InterruptedException {
        running = false;
        for (Thread thread : threads) {
            thread.join();
        }
        return List.copyOf(operations);
    }

    @Override
    public void close() {
        try {
            stop();
        } catch (InterruptedException e) {
            // The threads end by themselves; who interrupted is told.
            Thread.currentThread().interrupt();
        }
    }
}
