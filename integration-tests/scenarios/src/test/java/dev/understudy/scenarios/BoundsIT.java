package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.engine.Overflow;
import dev.understudy.model.Outcome;
import dev.understudy.model.Rejected;
import dev.understudy.model.Replication;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The queue of pending writes is bounded in keys, bytes and age; whoever meets a bound is told which. */
class BoundsIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    private CachedRepository<Long, Item> rejecting(Consumer<RepositoryBuilder.Back> bound) {
        return instances.items(
                instances.open(),
                COLUMN,
                settings -> settings.allowWriteBack(back -> {
                    bound.accept(back.neverDrains().overflow(Overflow.REJECT));
                }));
    }

    private static Rejected rejection(CachedRepository<Long, Item> items, int nameLength) {
        for (long id = 0; id < 10_000; id++) {
            Item item = new Item(id, "x".repeat(nameLength), id);
            Rejected rejected = catchThrowableOfType(Rejected.class, () -> items.save(item, Write.back()));
            if (rejected != null) {
                assertThat(rejected.outcome()).isEqualTo(Outcome.NOT_APPLIED);
                return rejected;
            }
        }
        throw new AssertionError("never rejected");
    }

    @Test
    void keys_atTheirBound_areRejected() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = rejecting(back -> back.maximumPending(80));
        assertThat(rejection(items, 1).limit()).isEqualTo("back.maximumPending");
        assertThat(items.lag().entries()).isBetween(10L, 80L);
        drainByAnother();
    }

    @Test
    void bytes_atTheirBound_areRejectedUntilTheyAreDrained() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = rejecting(back -> back.maximumBytes(1 << 16));
        assertThat(rejection(items, 1_000).limit()).isEqualTo("back.maximumBytes");
        assertThat(items.lag().bytes()).isBetween(7_000L, 1L << 16);
        drainByAnother();
        assertThat(items.lag().bytes()).isZero();
        items.save(new Item(10_001, "x".repeat(20_000), 1), Write.back());
        assertThat(items.lag().bytes()).as("one value always fits").isGreaterThan(20_000);
        drainByAnother();
    }

    @Test
    void age_atItsBound_isRejectedUntilTheQueueIsDrained() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = rejecting(back -> back.maximumLag(Duration.ofMillis(300)));
        items.save(Item.of(1, 1), Write.back());
        await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
            Rejected rejected = catchThrowableOfType(Rejected.class, () -> items.save(Item.of(1, 2), Write.back()));
            assertThat(rejected).isNotNull();
            assertThat(rejected.limit()).isEqualTo("back.maximumLag");
        });
        drainByAnother();
        items.save(Item.of(1, 3), Write.back());
        drainByAnother();
    }

    @Test
    void blocked_atTheBound_isRejectedAtItsDeadlineAndGoesOnWhenThereIsRoom() throws Exception {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(
                instances.open(),
                COLUMN,
                settings -> settings.allowWriteBack(
                        back -> back.neverDrains().overflow(Overflow.BLOCK).maximumPending(80)));
        long full = 0;
        Rejected rejected = null;
        while (rejected == null) {
            Item next = Item.of(++full, 1);
            rejected = catchThrowableOfType(
                    Rejected.class, () -> items.save(next, Write.back().timeout(Duration.ofSeconds(1))));
        }
        assertThat(rejected.limit()).isEqualTo("back.maximumPending");
        assertThat(rejected.outcome()).isEqualTo(Outcome.NOT_APPLIED);

        Item waiting = Item.of(full, 2);
        CompletableFuture<WriteReceipt> blocked = CompletableFuture.supplyAsync(
                () -> items.save(waiting, Write.back().timeout(Duration.ofSeconds(20))));
        await().during(Duration.ofMillis(300)).atMost(Duration.ofSeconds(2)).until(() -> !blocked.isDone());
        drainByAnother();
        WriteReceipt receipt = blocked.get(10, TimeUnit.SECONDS);
        drainByAnother();
        assertThat(receipt.awaitCommitted(Duration.ofSeconds(10))).isEqualTo(Replication.COMMITTED);
        assertThat(items.find(full)).contains(waiting);
    }

    @Test
    void receipt_completesWhenItsWriteIsCommitted() throws Exception {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = rejecting(back -> {});
        WriteReceipt receipt = items.save(Item.of(1, 1), Write.back());
        CompletableFuture<Replication> committed =
                receipt.committed(Duration.ofSeconds(20)).toCompletableFuture();
        CompletableFuture<Replication> impatient =
                receipt.committed(Duration.ofMillis(500)).toCompletableFuture();
        assertThat(impatient.get(10, TimeUnit.SECONDS)).isEqualTo(Replication.PENDING);
        assertThat(committed).isNotDone();
        drainByAnother();
        assertThat(committed.get(10, TimeUnit.SECONDS)).isEqualTo(Replication.COMMITTED);
        assertThat(items.save(Item.of(2, 1)).committed(Duration.ZERO).toCompletableFuture())
                .isCompletedWithValue(Replication.COMMITTED);
    }

    private void drainByAnother() {
        Instance other = instances.open();
        assertThat(instances.items(other, COLUMN).drain(Duration.ofSeconds(10))).isZero();
        instances.close(other, Duration.ofSeconds(5));
    }
}
