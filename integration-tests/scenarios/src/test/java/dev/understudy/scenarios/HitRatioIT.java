package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Versioning;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the bound costs: near hits of bounded reads against those of eventual ones, in turn, while another instance writes. */
class HitRatioIT {
    private static final int KEYS = 1_000;
    private static final int READS = 60_000;
    private static final int WRITES_PER_SECOND = 200;
    private static final double EXPONENT = 0.99;

    @RegisterExtension
    final Instances instances = new Instances();

    private final double[] cumulated = new double[KEYS];

    @Test
    void boundedReads_withoutFaults_hitTheNearReplicaAlmostAsOftenAsEventualOnes() {
        instances.createItems(Versioning.column("us_version"));
        CachedRepository<Long, Item> writer = instances.items(instances.open(), Versioning.column("us_version"));
        CachedRepository<Long, Item> reader = instances.items(instances.open(), Versioning.column("us_version"));
        List<Item> rows = new ArrayList<>();
        for (int i = 0; i < KEYS; i++) {
            rows.add(Item.of(i, 0));
            cumulated[i] = (i == 0 ? 0 : cumulated[i - 1]) + 1 / Math.pow(i + 1, EXPONENT);
        }
        writer.saveAll(rows);
        AtomicBoolean writes = new AtomicBoolean(true);
        Background<Boolean> writing = Background.begin(() -> write(writer, writes));
        SplittableRandom random = new SplittableRandom(1);

        long bounded = 0;
        long eventual = 0;
        for (int i = 0; i < READS; i++) {
            Long key = zipf(random);
            boolean isBounded = i % 2 == 0;
            Read level = isBounded ? Read.bounded(Instances.MAX_STALENESS) : Read.eventual();
            boolean isHit = reader.read(key, level).tier() == Tier.NEAR;
            bounded += isHit && isBounded ? 1 : 0;
            eventual += isHit && !isBounded ? 1 : 0;
            LockSupport.parkNanos(Duration.ofNanos(50_000).toNanos());
        }
        writes.set(false);
        writing.end();

        System.out.printf("near hits of %d reads each: %d bounded, %d eventual%n", READS / 2, bounded, eventual);
        assertThat(bounded).isGreaterThan(READS / 4).isGreaterThanOrEqualTo(eventual * 9 / 10);
    }

    private boolean write(CachedRepository<Long, Item> writer, AtomicBoolean goesOn) {
        SplittableRandom random = new SplittableRandom(2);
        for (int i = 1; goesOn.get(); i++) {
            writer.save(Item.of(zipf(random), i));
            LockSupport.parkNanos(
                    Duration.ofSeconds(1).dividedBy(WRITES_PER_SECOND).toNanos());
        }
        return true;
    }

    private long zipf(SplittableRandom random) {
        double at = random.nextDouble() * cumulated[KEYS - 1];
        int low = 0;
        int high = KEYS - 1;
        while (low < high) {
            int middle = (low + high) / 2;
            if (cumulated[middle] < at) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }
}
