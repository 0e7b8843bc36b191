package dev.understudy.benchmarks;

import dev.understudy.engine.Counters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** Requests of a trace in their order, by 16 threads as fast as they are answered, each time from empty caches on. */
final class ReplayPart implements Part {
    private static final int THREADS = 16;
    private static final int ROW_BYTES = 200;

    private final Path file;
    private final int requests;
    private final double nearShare;

    /**
     * A replay.
     *
     * @param requests at most
     * @param nearShare entries of the near replicas by distinct keys
     */
    ReplayPart(Path file, int requests, double nearShare) {
        this.file = file;
        this.requests = requests;
        this.nearShare = nearShare;
    }

    @Override
    public void measure(Run run) throws Exception {
        Trace trace = read();
        int near = (int) Math.max(1, nearShare * trace.distinct());
        Medians medians = new Medians();
        try (World world = run.world()) {
            world.fill(0, trace.distinct(), ROW_BYTES);
            for (int round = 0; round < run.repetitions(); round++) {
                try (Clients clients = new Clients(world, "replay" + round, near)) {
                    round(trace, clients, medians);
                }
            }
        }
        String name =
                String.format("replay of %,d requests for %,d keys, near %,d, ", trace.size(), trace.distinct(), near);
        Figures figures = run.figures();
        for (String way : List.of(Clients.THROUGH, Rivals.REDISSON, Rivals.JETCACHE)) {
            figures.seen(name + "throughput, " + way, medians.of(way), "/s", medians.of(Clients.RAW));
        }
        figures.seen(name + "near hits", medians.of("near"), "%", medians.of("raw near"));
        figures.seen(name + "near and shared hits", medians.of("shared"), "%", medians.of("raw shared"));
    }

    private Trace read() throws IOException {
        Trace trace = Trace.read(file, requests);
        if (trace.size() == 0) {
            throw new IllegalArgumentException("the trace is empty");
        }
        return trace;
    }

    private static void round(Trace trace, Clients clients, Medians medians) throws Exception {
        for (Map.Entry<String, Client> client : clients.byName().entrySet()) {
            if (!client.getKey().equals(Clients.BACK)) { // it would find the caches that write-through has filled
                long begin = System.nanoTime();
                replay(trace, client.getValue());
                medians.add(client.getKey(), trace.size() / ((System.nanoTime() - begin) / 1e9));
            }
        }
        long reads = 0;
        for (int i = 0; i < trace.size(); i++) {
            reads += trace.isWrite(i) ? 0 : 1;
        }
        double percent = 100.0 / Math.max(1, reads);
        Counters ours = clients.docs().counters();
        medians.add("near", ours.nearHits.sum() * percent);
        medians.add("shared", (ours.nearHits.sum() + ours.sharedHits.sum()) * percent);
        CacheAside raw = clients.raw();
        medians.add("raw near", raw.nearHits() * percent);
        medians.add("raw shared", (raw.nearHits() + raw.sharedHits()) * percent);
    }

    private static void replay(Trace trace, Client client) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            AtomicInteger next = new AtomicInteger();
            Callable<Boolean> loop = () -> {
                for (int i = next.getAndIncrement(); i < trace.size(); i = next.getAndIncrement()) {
                    if (trace.isWrite(i)) {
                        client.write(Doc.of(trace.key(i), trace.bytes(i), i));
                    } else {
                        SharedPart.found(client.read(trace.key(i)));
                    }
                }
                return true;
            };
            List<Callable<Boolean>> loops = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                loops.add(loop);
            }
            for (Future<Boolean> ended : threads.invokeAll(loops)) {
                ended.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }
}
