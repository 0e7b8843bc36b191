package dev.understudy.benchmarks;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.stream.IntStream;

/** Bytes of an entry of 200 bytes: in the heap beside Caffeine, in Redis beside {@code SET}; and of a pending write in both. */
final class MemoryPart implements Part {
    private static final int ENTRIES = 100_000;
    /** Fewer, as a first write-back of a key takes long. */
    private static final int PENDING = 20_000;

    private static final int SIZE = 2 * ENTRIES;
    private static final Duration LIFE = Duration.ofHours(1);

    @Override
    public void measure(Run run) throws Exception {
        Medians bytes = new Medians();
        try (World world = run.world()) {
            world.fill(0, ENTRIES, 200);
            for (int round = 0; round < run.repetitions(); round++) {
                bytes.add("near raw", rawNear());
                bytes.add("shared raw", rawShared(world));
                near(world, bytes);
                pending(world, bytes);
            }
        }
        Figures figures = run.figures();
        String name = "memory of an entry of 200 bytes, ";
        double rawNear = bytes.of("near raw");
        double rawShared = bytes.of("shared raw");
        figures.atMost(name + "near", bytes.of("near"), "B/entry", rawNear, 1.3);
        figures.seen(name + "Redis", bytes.of("shared"), "B/entry", rawShared);
        figures.seen(name + "Redis, pending", bytes.of("shared pending"), "B/entry", rawShared);
        figures.seen(
                name + "heap of the instance that wrote them, pending", bytes.of("heap pending"), "B/entry", rawNear);
    }

    private static double rawNear() {
        long before = heap();
        Cache<Long, Doc> cache =
                Caffeine.newBuilder().maximumSize(SIZE).expireAfterWrite(LIFE).build();
        for (long id = 0; id < ENTRIES; id++) {
            cache.put(id, Doc.of(id, 200, 0));
        }
        cache.cleanUp();
        return perEntry(before, heap(), cache.estimatedSize());
    }

    private static double rawShared(World world) {
        world.redis().sync().flushall();
        long before = world.usedMemory();
        world.setAll(IntStream.range(0, ENTRIES).toArray());
        double each = perEntry(before, world.usedMemory(), ENTRIES);
        world.redis().sync().flushall();
        return each;
    }

    private static void near(World world, Medians bytes) {
        try (World.Instance instance = world.instance(
                settings -> settings.near(near -> near.maximumSize(SIZE).timeToLive(LIFE)))) {
            instance.load(
                    IntStream.range(ENTRIES, ENTRIES + World.BATCH).toArray()); // no rows: what a first read costs
            long usedBefore = world.usedMemory();
            long before = heap();
            if (instance.load(IntStream.range(0, ENTRIES).toArray()) != ENTRIES) {
                throw new IllegalStateException("rows are missing");
            }
            bytes.add(
                    "near",
                    perEntry(before, heap(), instance.docs().nearStatus().entries()));
            bytes.add("shared", perEntry(usedBefore, world.usedMemory(), ENTRIES));
        }
    }

    private static void pending(World world, Medians bytes) {
        World.Instance instance = world.instance(settings -> settings.timeout(Duration.ofSeconds(30))
                .near(near -> near.maximumSize(0))
                .allowWriteBack(back -> back.maximumPending(4 * ENTRIES).maximumBytes(1L << 30)));
        instance.docs().pauseDrain();
        instance.accept(SIZE, SIZE + World.BATCH);
        long usedBefore = world.usedMemory();
        long before = heap();
        instance.accept(0, PENDING);
        bytes.add("heap pending", perEntry(before, heap(), PENDING));
        bytes.add("shared pending", perEntry(usedBefore, world.usedMemory(), PENDING));
        instance.understudy().close(Duration.ofMillis(100));
        world.redis().sync().flushall();
    }

    private static double perEntry(long before, long after, long entries) {
        return (after - before) / (double) entries;
    }

    /** Bytes in use once what is garbage has been collected. */
    private static long heap() {
        System.gc();
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
