package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Reading;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Acknowledged writes that their instance cannot put back. */
class LossReportTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    private Node startWithoutPayloads() {
        Node node = cluster.start(repository -> repository.allowWriteBack(back -> back.restorableBytes(0)));
        node.items.pauseDrain();
        return node;
    }

    @Test
    void report_failsAtFirst_isMadeLater() {
        Node node = startWithoutPayloads();
        node.items.save(new Item(1, "lost", 1), Write.back());
        node.faults.next(SharedCommand.ReportLost.class, Fault.notSent());

        cluster.server.flush();

        await().atMost(SOON).until(() -> node.items.counters().lostWrites.sum() == 1);
        assertThat(node.items.writeBackStatus().lost()).isEqualTo(1);
        assertThat(node.items.writeBackStatus().isConserved()).isTrue();
    }

    @Test
    void report_writeOverTheBoundStillPending_isMadeWhenThatIsLostToo() {
        Node node = startWithoutPayloads();
        node.items.save(new Item(1, "kept at first", 1), Write.back());
        cluster.server.rollback(cluster.server.snapshot());
        long rounds = node.items.counters().recoveryRounds.sum();
        await().atMost(SOON).until(() -> node.items.counters().recoveryRounds.sum() > rounds + 1);
        assertThat(node.items.counters().lostWrites.sum()).isZero();

        cluster.server.flush();

        await().atMost(SOON).until(() -> node.items.counters().lostWrites.sum() == 1);
    }

    @Test
    void report_writeDrainedMeanwhile_isNotMade() {
        Node node = startWithoutPayloads();
        Node other = cluster.startPaused();
        node.items.save(new Item(1, "drained by another", 1), Write.back());
        AtomicBoolean drained = new AtomicBoolean();
        node.faults.next(Reading.class, Fault.before(() -> {
            other.items.resumeDrain();
            drained.set(other.items.drain(SOON) == 0);
        }));
        long rounds = node.items.counters().recoveryRounds.sum();

        cluster.server.rollback(cluster.server.snapshot());

        await().atMost(SOON).untilTrue(drained);
        await().atMost(SOON).until(() -> node.items.counters().recoveryRounds.sum() > rounds + 1);
        assertThat(node.items.counters().lostWrites.sum()).isZero();
    }
}
