package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Read;
import dev.understudy.model.Replication;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What two instances put back that the shared replica has lost. */
class RecoveryTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    private Node patient() {
        Node node = cluster.start(
                repository -> repository.timeout(SOON).allowWriteBack(back -> back.delay(Duration.ofMillis(10))));
        node.items.pauseDrain();
        return node;
    }

    @Test
    void restore_ofAWriteThatANewerOneWasDrainedOverMeanwhile_isLeft() throws InterruptedException {
        Node older = patient();
        Node newer = patient();
        older.items.save(new Item(1, "old", 1), Write.back());
        WriteReceipt last = newer.items.save(new Item(1, "new", 2), Write.back());
        Hold hold = new Hold();
        try (Rule held = older.faults.next(SharedCommand.Restore.class, Fault.heldBefore(hold))) {
            cluster.server.flush();
            assertThat(hold.awaitArrival(SOON)).isTrue();
            await().atMost(SOON)
                    .until(() -> newer.items.counters().restoredWrites.sum() == 1);
            newer.items.resumeDrain();
            assertThat(last.awaitCommitted(SOON)).isEqualTo(Replication.COMMITTED);
            long rounds = older.items.counters().recoveryRounds.sum();

            hold.release();

            await().atMost(SOON)
                    .until(() -> older.items.counters().recoveryRounds.sum() > rounds);
        }
        assertThat(older.items.counters().restoredWrites.sum()).isZero();
        assertThat(older.items.read(1L, Read.strong()).value()).contains(new Item(1, "new", 2));
    }
}
