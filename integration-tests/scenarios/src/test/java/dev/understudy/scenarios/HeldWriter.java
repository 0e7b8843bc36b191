package dev.understudy.scenarios;

import dev.understudy.CachedRepository;
import dev.understudy.model.Write;
import dev.understudy.spi.Primary;
import java.io.IOException;
import java.time.Duration;

/** A process that commits a write-through and stops before any replica is told, to be killed there. */
final class HeldWriter {
    static final String HELD = "held";
    static final Duration MARKER = Duration.ofSeconds(1);
    static final Duration NEAR_LIFE = Duration.ofSeconds(2);

    private HeldWriter() {}

    public static void main(String[] arguments) throws IOException {
        Instance instance = Child.open();
        CachedRepository<Long, Item> items = Child.items(
                instance,
                settings ->
                        settings.shared(shared -> shared.marker(MARKER)).allowWriteBack(back -> back.neverDrains()));
        items.find(1L);
        Gate gate = instance.primary().holdAfterNextCommit(Primary.Use.COMMIT);
        Background.begin(() -> items.save(Item.of(1, 2), Write.through().timeout(Duration.ofMillis(900))));
        gate.awaitArrival();
        Child.say(HELD);
        Child.await();
    }
}
