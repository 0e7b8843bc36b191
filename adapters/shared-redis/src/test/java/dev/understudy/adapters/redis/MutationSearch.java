package dev.understudy.adapters.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * By hand: where is each mutation found soonest? Arguments: schedules per configuration, then parts of the names (none: all).
 */
final class MutationSearch {
    private MutationSearch() {}

    public static void main(String[] arguments) {
        int most = Integer.parseInt(arguments[0]);
        try (SimulatedServer server = SimulatedServer.start()) {
            for (RandomMutations.Found found : RandomMutations.ALL) {
                boolean meant = arguments.length == 1;
                for (int i = 1; i < arguments.length; i++) {
                    meant |= found.mutation().name().contains(arguments[i]);
                }
                if (meant) {
                    System.out.println(search(server, found, most));
                }
            }
        }
    }

    private static String search(SimulatedServer server, RandomMutations.Found found, int most) {
        ScriptedShard shard = server.shard(found.mutation().scripts());
        List<Configuration> order = new ArrayList<>(List.of(Configuration.named(found.configuration())));
        Configuration.ALL.stream().filter(c -> !order.contains(c)).forEach(order::add);
        String best = "NOT FOUND in " + most + " of each";
        int left = most;
        for (Configuration configuration : order) {
            Configuration weak = configuration.without(found.mutation().without());
            for (int seed = 0; seed < left; seed++) {
                Optional<Violation> violation = Schedule.run(shard, weak, seed, null);
                if (violation.isPresent()) {
                    best = configuration + " seed " + seed + ": "
                            + violation.get().getMessage();
                    left = seed;
                }
            }
        }
        return found + " | " + best;
    }
}
