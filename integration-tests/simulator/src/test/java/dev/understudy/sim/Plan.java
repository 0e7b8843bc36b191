package dev.understudy.sim;

import dev.understudy.model.Versioning;
import dev.understudy.sim.Faults.Kind;
import java.util.List;
import java.util.Random;

/** What a seed decides before a run begins. Immutable. */
record Plan(
        Versioning versioning,
        boolean through,
        boolean back,
        boolean deletes,
        boolean sessions,
        int instances,
        int clients,
        int operations,
        int keys,
        int shards,
        int batch,
        double switches,
        double intensity,
        List<Kind> faults) {
    /** The plan of a seed. */
    static Plan of(Random random) {
        boolean versioned = random.nextInt(8) != 0;
        int modes = versioned ? random.nextInt(4) : 0;
        List<Kind> faults = List.of(Kind.values());
        if (random.nextInt(3) != 0) {
            faults = faults.stream().filter(kind -> kind != Kind.MEMORY_LOST).toList();
        }
        if (random.nextInt(4) == 0) {
            faults = faults.stream().filter(kind -> random.nextInt(3) == 0).toList();
        }
        double[] switches = {0.05, 0.2, 0.5, 0.9};
        double[] intensities = {0.3, 1, 1, 3};
        return new Plan(
                versioned ? Versioning.column("us_version") : Versioning.none(),
                modes != 1,
                modes != 0,
                random.nextInt(3) != 0,
                random.nextBoolean(),
                1 + random.nextInt(3),
                2 + random.nextInt(3),
                4 + random.nextInt(10),
                1 + random.nextInt(3),
                1 + random.nextInt(2),
                1 + random.nextInt(4),
                switches[random.nextInt(switches.length)],
                intensities[random.nextInt(intensities.length)],
                faults);
    }
}
