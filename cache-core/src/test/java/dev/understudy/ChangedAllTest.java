package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** SQL of the caller's own that may have changed any row. */
class ChangedAllTest {
    private static final Item OLD = new Item(1, "old", 1);
    private static final Item NEW = new Item(1, "new", 2);

    private Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    static Stream<Versioning> versionings() {
        return Stream.of(Versioning.none(), Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"));
    }

    @ParameterizedTest
    @MethodSource("versionings")
    void changedAll_committed_isSeenEverywhere(Versioning versioning) {
        cluster = new Cluster(versioning);
        Node node = cluster.start();
        Node other = known(node);

        cluster.changeAround(NEW);
        node.understudy.inTransaction(tx -> {
            tx.changedAll(node.items);
            return true;
        });

        assertThat(node.items.find(1L)).contains(NEW);
        assertThat(other.items.find(1L)).contains(NEW);
    }

    @Test
    void changedAll_rolledBack_changesNothing() {
        Node node = cluster.start();
        Node other = known(node);

        assertThatThrownBy(() -> node.understudy.inTransaction(tx -> {
                    tx.changedAll(node.items);
                    throw new IllegalStateException("rolls back");
                }))
                .isInstanceOf(IllegalStateException.class);

        assertThat(other.items.read(1L, Read.eventual()).tier()).isEqualTo(Tier.NEAR);
        assertThat(node.items.counters().deliveredNotes.sum()).isZero();
    }

    @Test
    void changedAll_ofAWriterThatCannotTell_isDeliveredByAnotherInstance() {
        Node node = cluster.start();
        Node other = known(node);
        cluster.changeAround(NEW);
        try (Rule cut = node.faults.every(SharedCommand.Distrust.class, Fault.notSent())) {
            assertThatThrownBy(() -> node.understudy.inTransaction(tx -> {
                        tx.changedAll(node.items);
                        return true;
                    }))
                    .isInstanceOfSatisfying(
                            Unavailable.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.APPLIED));
            await().atMost(Duration.ofSeconds(5))
                    .until(() -> other.items.find(1L).equals(Optional.of(NEW)));
        }
    }

    @Test
    void changedAll_whileWritesArePending_keepsThem() {
        Node node = cluster.startPaused();
        Item pending = new Item(2, "pending", 1);
        node.items.save(pending, Write.back());

        node.understudy.inTransaction(tx -> {
            tx.changedAll(node.items);
            return true;
        });

        assertThat(node.items.find(2L)).contains(pending);
        node.items.resumeDrain();
        assertThat(node.items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(node.items.read(2L, Read.strong()).value()).contains(pending);
        assertThat(node.items.writeBackStatus().lost()).isZero();
    }

    /** Another instance, both of which have the old row in their near replicas. */
    private Node known(Node node) {
        Node other = cluster.start();
        node.items.save(OLD);
        for (Node each : new Node[] {node, other}) {
            await().atMost(Duration.ofSeconds(10)).until(() -> {
                each.items.find(1L);
                return each.items.read(1L, Read.eventual()).tier() == Tier.NEAR || !cluster.versioning.isVersioned();
            });
        }
        return other;
    }
}
