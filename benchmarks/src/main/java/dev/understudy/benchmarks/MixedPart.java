package dev.understudy.benchmarks;

import java.util.Map;

/** Reads and writes by 16 threads, in four mixes and two sizes, each way with a near replica that holds a tenth of the keys. */
final class MixedPart implements Part {
    private static final int THREADS = 16;
    private static final int[] READS_PERCENT = {100, 90, 50, 0};
    /** Makes consecutive operations fall evenly over a hundred. */
    private static final long STRIDE = 37;

    private static final int WARM_UP = 4;

    @Override
    public void measure(Run run) throws Exception {
        for (int bytes : new int[] {200, 4_000}) {
            try (World world = run.world()) {
                world.fill(0, Keys.ROWS, bytes);
                measure(run.halved(), world, bytes);
            }
        }
    }

    /** Has every library read and write for so many seconds. */
    static void warmUp(Run run, double seconds) throws Exception {
        try (World world = run.world()) {
            world.fill(0, Keys.ROWS, 200);
            try (Clients clients = new Clients(world, "before", Keys.ROWS / 10)) {
                contest(clients, 50, 200).run(0, seconds);
            }
        }
    }

    private static void measure(Run run, World world, int bytes) throws Exception {
        try (Clients clients = new Clients(world, "mixed", Keys.ROWS / 10)) {
            contest(clients, 100, bytes).run(0, WARM_UP * run.seconds());
            for (int reads : READS_PERCENT) {
                Contest.Results results = run.results(contest(clients, reads, bytes));
                String mix = reads + " % reads, " + bytes + " bytes, 16 threads, ";
                Contest.Result raw = results.of(Clients.RAW);
                results.byName().forEach((way, result) -> {
                    if (!way.equals(Clients.RAW)) {
                        run.figures().seen(mix + "throughput, " + way, result.perSecond(), "/s", raw.perSecond());
                        run.figures().seen(mix + "p99, " + way, result.p99Micros(), "us", raw.p99Micros());
                    }
                });
            }
        }
    }

    private static Contest contest(Clients clients, int readsPercent, int bytes) {
        Contest contest = new Contest(THREADS);
        for (Map.Entry<String, Client> entry : clients.byName().entrySet()) {
            Client client = entry.getValue();
            if (readsPercent == 100 && entry.getKey().equals(Clients.BACK)) {
                continue; // it reads as write-through does
            }
            contest.way(
                    entry.getKey(),
                    (thread, number) -> {
                        long id = Keys.zipf(thread, number);
                        if (Math.floorMod(number * STRIDE + thread, 100L) < readsPercent) {
                            SharedPart.found(client.read(id));
                        } else {
                            client.write(Doc.of(id, bytes, number));
                        }
                    },
                    client::rest);
        }
        return contest;
    }
}
