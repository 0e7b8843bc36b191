package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.engine.Overflow;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Rejected;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.Item;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a write-back does at the bound of the queue, which is one pending key in each of the four shards here. */
class BoundsTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final int SHARDS = 4;

    private final Cluster cluster =
            new Cluster(Versioning.column("us_version"), store -> store.refusing(item -> item.amount() < 0));

    @AfterEach
    void close() {
        cluster.close();
    }

    private Node start(Overflow overflow) {
        Node node = cluster.start(repository ->
                repository.allowWriteBack(back -> back.maximumPending(SHARDS).overflow(overflow)));
        node.items.pauseDrain();
        return node;
    }

    private static List<Item> items(int count, int amount) {
        return LongStream.range(0, count)
                .mapToObj(id -> new Item(id, "lamp", amount))
                .toList();
    }

    @Test
    void saveAll_loggedInPartAndRejectedForTheRest_hasAnUnknownOutcomeAndTheSessionSeesWhatWasLogged() {
        Node node = start(Overflow.REJECT);
        Node other = cluster.startPaused();
        node.items.saveAll(items(20, 1));
        other.items.findAll(LongStream.range(0, 20).boxed().toList());
        other.connection.holdAnnouncements();
        Session session = Session.start();

        UnderstudyException failure = catchThrowableOfType(
                () -> node.items.in(session).saveAll(items(20, 2), Write.back()), UnderstudyException.class);

        assertThat(failure.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(failure).hasRootCauseInstanceOf(Rejected.class);
        List<Long> logged = LongStream.range(0, 20)
                .boxed()
                .filter(id ->
                        node.items.read(id, Read.strong()).value().orElseThrow().amount() == 2)
                .toList();
        assertThat(logged).hasSize(SHARDS);
        CachedRepository<Long, Item> sameUser = other.items.in(Session.resume(session.token()));
        assertThat(logged).allSatisfy(id -> assertThat(sameUser.find(id)).contains(new Item(id, "lamp", 2)));
    }

    @Test
    void saveAll_loggedInPartWhoseRestThePrimaryRefuses_hasAnUnknownOutcome() {
        Node node = start(Overflow.WRITE_THROUGH);

        UnderstudyException failure =
                catchThrowableOfType(() -> node.items.saveAll(items(20, -1), Write.back()), UnderstudyException.class);

        assertThat(failure.outcome()).isEqualTo(Outcome.UNKNOWN);
        assertThat(node.items.lag().entries()).isEqualTo(SHARDS);
    }

    @Test
    void save_atTheBoundOfAnInstanceThatNeverDrains_isRejectedWhileThePrimaryIsAway() {
        Node node = cluster.start(repository ->
                repository.allowWriteBack(back -> back.maximumPending(SHARDS).neverDrains()));
        node.items.saveAll(items(20, 1), Write.back());
        assertThat(node.items.counters().overflows.sum()).isEqualTo(20 - SHARDS);

        cluster.primary.away(true);
        // It answered a moment ago: the first may go there and fail.
        assertThatThrownBy(() -> node.items.save(new Item(20, "lamp", 1), Write.back()))
                .isInstanceOf(UnderstudyException.class);
        long before = node.items.counters().overflows.sum();

        assertThatThrownBy(() -> node.items.save(new Item(20, "lamp", 1), Write.back()))
                .isInstanceOfSatisfying(
                        Rejected.class, e -> assertThat(e.limit()).isEqualTo("back.maximumPending"));
        assertThat(node.items.counters().overflows.sum()).isEqualTo(before);

        cluster.primary.away(false);
        await().atMost(SOON).ignoreExceptions().untilAsserted(() -> {
            node.items.save(new Item(20, "lamp", 1), Write.back());
            assertThat(node.items.counters().overflows.sum()).isGreaterThan(before);
        });
    }

    @Test
    void save_thatWaitedForAMarkerUntilItsDeadline_isNotToldThatTheQueueWasFull() throws Exception {
        Node node = start(Overflow.BLOCK);
        Node other = cluster.startPaused();
        WriteReceipt receipt = other.items.save(new Item(1, "lamp", 1));
        Hold told = new Hold();
        other.faults.next(SharedCommand.Apply.class, Fault.heldBefore(told));
        CompletableFuture<WriteReceipt> through =
                CompletableFuture.supplyAsync(() -> other.items.save(new Item(1, "lamp", 2)));
        assertThat(told.awaitArrival(SOON)).isTrue();

        assertThatThrownBy(() -> node.items.save(
                        new Item(1, "lamp", 3),
                        Write.back().ifVersion(receipt.version()).timeout(Duration.ofMillis(100))))
                .isInstanceOf(DeadlineExceeded.class);

        told.release();
        through.get(SOON.toSeconds(), TimeUnit.SECONDS);
    }
}
