package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Replication;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a receipt says of a write that the queue does not have. */
class ReceiptsTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Duration MOMENT = Duration.ofMillis(60);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void receipt_ofASaveThatTheReplicaForgot_isPendingUntilItIsRestoredAndDrained() {
        Node node = cluster.startPaused();
        node.items.save(new Item(1, "older", 1));
        WriteReceipt ofOldRow = node.items.save(new Item(1, "lamp", 2), Write.back());
        WriteReceipt ofNoRow = node.items.save(new Item(2, "lamp", 2), Write.back());

        try (Rule notYet = node.faults.every(SharedCommand.Restore.class, Fault.notSent())) {
            cluster.server.flush();

            assertThat(ofOldRow.awaitCommitted(MOMENT)).isEqualTo(Replication.PENDING);
            assertThat(ofNoRow.awaitCommitted(MOMENT)).isEqualTo(Replication.PENDING);
        }
        await().atMost(SOON).until(() -> node.items.counters().restoredWrites.sum() == 2);
        node.items.resumeDrain();

        assertThat(ofOldRow.awaitCommitted(SOON)).isEqualTo(Replication.COMMITTED);
        assertThat(ofNoRow.awaitCommitted(SOON)).isEqualTo(Replication.COMMITTED);
    }

    @Test
    void receipt_ofADeleteThatTheReplicaForgot_isPendingUntilItIsRestoredAndDrained() {
        Node node = cluster.startPaused();
        node.items.save(new Item(1, "lamp", 1));
        WriteReceipt ofARow = node.items.delete(1L, Write.back());
        WriteReceipt ofNoRow = node.items.delete(2L, Write.back());

        try (Rule notYet = node.faults.every(SharedCommand.Restore.class, Fault.notSent())) {
            cluster.server.flush();

            assertThat(ofARow.awaitCommitted(MOMENT)).isEqualTo(Replication.PENDING);
            assertThat(ofNoRow.awaitCommitted(MOMENT)).isEqualTo(Replication.PENDING);
        }
        await().atMost(SOON).until(() -> node.items.counters().restoredWrites.sum() == 2);
        node.items.resumeDrain();

        assertThat(ofARow.awaitCommitted(SOON)).isEqualTo(Replication.COMMITTED);
        assertThat(ofNoRow.awaitCommitted(SOON)).isEqualTo(Replication.COMMITTED);
    }

    @Test
    void receipt_ofAWriteThatIsReportedLost_saysSo() {
        Node node = cluster.start(repository -> repository.allowWriteBack(back -> back.restorableBytes(0)));
        node.items.pauseDrain();
        WriteReceipt receipt = node.items.save(new Item(1, "lamp", 1), Write.back());

        cluster.server.flush();

        assertThat(receipt.awaitCommitted(SOON)).isEqualTo(Replication.LOST);
        assertThat(node.items.counters().lostWrites.sum()).isEqualTo(1);
    }

    @Test
    void receipt_ofASaveThatWasDeletedLater_isSuperseded() {
        Node node = cluster.startPaused();
        WriteReceipt receipt = node.items.save(new Item(1, "lamp", 1), Write.back());
        node.items.delete(1L);
        node.items.resumeDrain();
        assertThat(node.items.drain(SOON)).isZero();

        assertThat(receipt.awaitCommitted(SOON)).isEqualTo(Replication.SUPERSEDED);
    }
}
