package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is left behind by transactions that fail, and what sessions know of those that do not. */
class TransactionTest {
    private static final Item OLD = new Item(1, "old", 1);
    private static final Item NEW = new Item(1, "new", 2);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));
    private final Node node = cluster.start();

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void inTransaction_thatEndsByACheckedException_leavesNoMarker() {
        node.items.save(OLD);

        assertThatThrownBy(() -> node.understudy.inTransaction(tx -> {
                    tx.on(node.items).save(NEW);
                    throw new IOException("of the caller's own");
                }))
                .isInstanceOf(IOException.class);

        assertThat(isMarked(1)).isFalse();
        assertThat(node.items.find(1L)).contains(OLD);
    }

    @Test
    void inTransaction_thatEndsByAnError_leavesNoMarker() {
        node.items.save(OLD);

        assertThatThrownBy(() -> node.understudy.inTransaction(tx -> {
                    tx.on(node.items).save(NEW);
                    throw new AssertionError("of the caller's own");
                }))
                .isInstanceOf(AssertionError.class);

        assertThat(isMarked(1)).isFalse();
    }

    @Test
    void inTransaction_forLongerThanAMarkerHolds_isRefused() {
        assertThatThrownBy(() -> node.understudy.inTransaction(
                        Duration.ofSeconds(11), tx -> tx.on(node.items).save(NEW)))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("shared.marker");
        assertThat(node.items.find(1L)).isEmpty();
    }

    @Test
    void session_whoseTransactionWrote_seesIt() {
        Node other = cluster.start();
        other.items.save(OLD);
        assertThat(other.items.find(1L)).contains(OLD);
        Session session = Session.start();
        try (Rule untold = node.faults.every(SharedCommand.Apply.class, Fault.notSent())) {
            assertThatThrownBy(() -> node.understudy.inTransaction(
                            Duration.ofSeconds(1),
                            tx -> tx.on(node.items.in(session)).save(NEW)))
                    .isInstanceOfSatisfying(
                            Unavailable.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.APPLIED));

            assertThat(other.items.find(1L)).contains(OLD);
            assertThat(other.items.in(Session.resume(session.token())).find(1L)).contains(NEW);
        }
    }

    @Test
    void session_whoseWriteCouldNotBeTold_seesIt() {
        Node other = cluster.start();
        other.items.save(OLD);
        assertThat(other.items.find(1L)).contains(OLD);
        Session session = Session.start();
        try (Rule untold = node.faults.every(SharedCommand.Apply.class, Fault.notSent())) {
            assertThatThrownBy(() ->
                            node.items.in(session).save(NEW, Write.through().timeout(Duration.ofMillis(600))))
                    .isInstanceOfSatisfying(
                            Unavailable.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.APPLIED));

            assertThat(other.items.find(1L)).contains(OLD);
            assertThat(other.items.in(Session.resume(session.token())).find(1L)).contains(NEW);
        }
    }

    @Test
    void save_ofSeveralRowsOneOfWhichCannotBeMarked_takesTheOthersMarkersBack() {
        List<Item> items = List.of(new Item(1, "a", 1), new Item(2, "b", 1), new Item(3, "c", 1));
        node.faults.next(SharedCommand.Prepare.class, Fault.notSent());

        assertThatThrownBy(() -> node.items.saveAll(items))
                .isInstanceOfSatisfying(
                        Unavailable.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));

        assertThat(List.of(isMarked(1), isMarked(2), isMarked(3))).containsOnly(false);
    }

    private boolean isMarked(long id) {
        return cluster.server
                .entry("shop", "item", ShardKey.of(Long.toString(id), 4))
                .map(entry -> entry.markers() > 0)
                .orElse(false);
    }
}
