package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.Calls.Call;
import dev.understudy.Cluster.Node;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A caller who has more time than a marker, on a row that a stranger holds. */
class LockedRowsTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final ShardKey KEY = ShardKey.of("1", 4);

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));
    private final CountDownLatch gate = new CountDownLatch(1);
    private final CountDownLatch isLocked = new CountDownLatch(1);
    private final AtomicInteger prepared = new AtomicInteger();
    private final Node node =
            cluster.start(repository -> repository.shared(shared -> shared.marker(Duration.ofSeconds(1))));
    private Call<?> stranger;

    @BeforeEach
    void lock() throws InterruptedException {
        node.items.save(new Item(1, "old", 1));
        stranger = Calls.begin(() -> cluster.primary.call(Primary.Use.COMMIT, SOON, connection -> {
            cluster.lockAll(connection);
            isLocked.countDown();
            gate.await();
            return true;
        }));
        isLocked.await();
        node.faults.every(SharedCommand.Prepare.class, Fault.after(prepared::incrementAndGet));
    }

    @AfterEach
    void close() throws Exception {
        gate.countDown();
        stranger.end();
        cluster.close();
    }

    @Test
    void save_thatWaitsLongerThanAMarker_isWritten() throws Exception {
        Call<WriteReceipt> save = save();
        awaitWaiting();
        long first = deadline();
        await().atMost(SOON).until(() -> cluster.server.micros() > first + 200_000);

        gate.countDown();

        save.end();
        assertThat(node.items.find(1L)).contains(new Item(1, "new", 2));
    }

    @Test
    void save_whoseMarkerIsLostMeanwhile_isPreparedAnew() throws Exception {
        Call<WriteReceipt> save = save();
        awaitWaiting();
        cluster.server.evict("shop", "item", KEY);
        await().atMost(SOON)
                .until(() -> cluster.server.entry("shop", "item", KEY).isPresent() || save.isOver());

        gate.countDown();

        save.end();
        assertThat(prepared).hasValueGreaterThan(2);
        assertThat(node.items.find(1L)).contains(new Item(1, "new", 2));
    }

    private Call<WriteReceipt> save() {
        return Calls.begin(
                () -> node.items.save(new Item(1, "new", 2), Write.through().timeout(Duration.ofSeconds(20))));
    }

    /** The group's marker, then that of the row by itself. */
    private void awaitWaiting() {
        await().atMost(SOON).until(() -> prepared.get() == 2);
    }

    private long deadline() {
        return cluster.server.entry("shop", "item", KEY).orElseThrow().markerDeadline();
    }
}
