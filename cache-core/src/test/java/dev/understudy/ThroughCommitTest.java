package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Change;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.InMemoryStore;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary;
import dev.understudy.spi.Renewed;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a write-through waits for before it commits, and before it returns. */
class ThroughCommitTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final Item OLD = new Item(1, "old", 1);
    private static final Item NEW = new Item(1, "new", 2);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));

    @AfterEach
    void close() {
        cluster.close();
    }

    private static void assertNotApplied(Throwable thrown) {
        assertThat(thrown)
                .isInstanceOfSatisfying(
                        UnderstudyException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
    }

    private static void assertRow(Node node, Item expected) {
        assertThat(node.items.read(1L, Read.strong()).value()).contains(expected);
        assertThat(node.items.find(1L)).contains(expected);
    }

    /** Rule 3. */
    @Test
    void inTransaction_whoseMarkerIsLostBeforeItsCommit_rollsBack() {
        Node node = cluster.start();
        node.items.save(OLD);
        node.faults.next(
                SharedCommand.Renew.class, (call, send) -> CompletableFuture.completedFuture(new Renewed(false, 0)));
        assertThatThrownBy(() ->
                        node.understudy.inTransaction(tx -> tx.on(node.items).save(NEW)))
                .satisfies(ThroughCommitTest::assertNotApplied);
        assertRow(node, OLD);
    }

    /** Rule 3: a shared replica that lost its memory lost the marker as well. */
    @Test
    void inTransaction_overAMemoryLoss_rollsBack() {
        Node node = cluster.start();
        node.items.save(OLD);
        assertThatThrownBy(() -> node.understudy.inTransaction(tx -> {
                    Item saved = tx.on(node.items).save(NEW);
                    cluster.server.flush();
                    return saved;
                }))
                .satisfies(ThroughCommitTest::assertNotApplied);
        assertRow(node, OLD);
    }

    /** Rule 4. */
    @Test
    void save_beforeTheSharedReplicaWasTold_doesNotReturn() throws Exception {
        Node node = cluster.start();
        Node other = cluster.start();
        node.items.save(OLD);
        assertThat(other.items.find(1L)).contains(OLD);
        Hold hold = new Hold();
        node.faults.next(SharedCommand.Apply.class, Fault.heldBefore(hold));
        CompletableFuture<WriteReceipt> save = CompletableFuture.supplyAsync(() -> node.items.save(NEW));
        assertThat(hold.awaitArrival(SOON)).isTrue();
        assertThatThrownBy(() -> save.get(200, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        assertThat(other.items.find(1L)).as("before the other returned").contains(OLD);
        hold.release();
        save.get(10, TimeUnit.SECONDS);
        assertRow(other, NEW);
    }

    /** Rule 15. */
    @Test
    void save_pastItsMarker_isNotCommitted() {
        Duration marker = Duration.ofMillis(500);
        Node node = cluster.start(
                repository -> repository.shared(shared -> shared.marker(marker)).timeout(SOON));
        node.items.save(OLD);
        Hold hold = new Hold();
        node.faults.next(SharedCommand.Prepare.class, Fault.heldAfter(hold));
        CompletableFuture<Void> release = CompletableFuture.runAsync(
                hold::release, CompletableFuture.delayedExecutor(2 * marker.toMillis(), TimeUnit.MILLISECONDS));
        assertThatThrownBy(() -> node.items.save(NEW)).satisfies(ThroughCommitTest::assertNotApplied);
        release.join();
        assertRow(node, OLD);
    }

    /** Rule 5: the primary gave the row a version that the shard's clock has not reached. */
    @Test
    void writeBack_afterAStrongReadOfANewerRow_isOrderedAboveIt() {
        Node node = cluster.startPaused();
        Node reader = cluster.startPaused();
        node.items.save(OLD);
        Version ahead = new Version((System.currentTimeMillis() * 1_000 + 60_000_000) | 1);
        InMemoryStore<Long, Item> store =
                new InMemoryStore<>("item", Long.class, Item.class, cluster.versioning, Item::id);
        cluster.primary.call(
                Primary.Use.COMMIT,
                SOON,
                connection ->
                        store.apply(connection, List.of(new Change<>(1L, Optional.of(NEW), ahead, Change.Guard.NONE))));
        Version read = reader.items.read(1L, Read.strong()).version();
        assertThat(read.value() % 2).as("of %s", read).isEqualTo(1);

        WriteReceipt receipt = node.items.save(new Item(1, "newest", 3), Write.back());

        assertThat(receipt.version().isAfter(read)).isTrue();
        node.items.resumeDrain();
        assertThat(node.items.drain(SOON)).isZero();
        assertRow(node, new Item(1, "newest", 3));
    }
}
