package dev.understudy;

import static dev.understudy.spi.PrimaryFailure.Kind.DATA;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Conflict;
import dev.understudy.model.DeadLetter;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.spi.Item;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DeadLettersTest {
    private static final Duration SOON = Duration.ofSeconds(10);

    private final AtomicInteger largestAmount = new AtomicInteger(10);
    private final Cluster cluster = new Cluster(
            Versioning.column("us_version"), store -> store.refusing(item -> item.amount() > largestAmount.get()));

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void retry_onceTheReasonIsGone_writesAndDiscards() {
        Node one = cluster.start();
        DeadLetter<Long, Item> letter = deadLetter(one);
        assertThat(letter.value()).contains(new Item(1, "lamp", 11));
        largestAmount.set(20);

        one.items.retry(letter);

        assertThat(one.items.read(1L, Read.strong()).value()).contains(new Item(1, "lamp", 11));
        assertThat(one.items.deadLetters(10)).isEmpty();
    }

    @Test
    void retry_rowChangedMeanwhile_isRefusedAndKeepsTheLetter() {
        Node one = cluster.start();
        DeadLetter<Long, Item> letter = deadLetter(one);
        one.items.save(new Item(1, "lamp", 3));
        largestAmount.set(20);

        assertThatThrownBy(() -> one.items.retry(letter)).isInstanceOf(Conflict.class);

        assertThat(one.items.read(1L, Read.strong()).value()).contains(new Item(1, "lamp", 3));
        assertThat(one.items.deadLetters(10)).hasSize(1);
    }

    @Test
    void retry_rowDeletedMeanwhile_doesNotBringItBack() {
        Node one = cluster.start();
        DeadLetter<Long, Item> letter = deadLetter(one);
        one.items.delete(1L);
        largestAmount.set(20);

        assertThatThrownBy(() -> one.items.retry(letter)).isInstanceOf(Conflict.class);

        assertThat(one.items.read(1L, Read.strong()).value()).isEmpty();
    }

    @Test
    void discard_removesTheLetterOnce() {
        Node one = cluster.start();
        DeadLetter<Long, Item> letter = deadLetter(one);

        assertThat(one.items.discard(letter)).isTrue();
        assertThat(one.items.discard(letter)).isFalse();
        assertThat(one.items.deadLetters(10)).isEmpty();
    }

    @Test
    void drain_mostRowsRefused_isTakenForAMigrationAndKeepsAllPending() {
        Node one = cluster.startPaused();
        one.items.saveAll(items(11), Write.back());

        one.items.resumeDrain();

        await().atMost(SOON).until(() -> one.items.counters().drainFailures.sum() > 0);
        assertThat(one.items.deadLetters(100)).isEmpty();
        assertThat(one.items.lag().entries()).isEqualTo(50);

        largestAmount.set(20);
        assertThat(one.items.drain(SOON)).isZero();
        WriteBackStatus status = WriteModesTest.assertConserved(one, 50);
        assertThat(status.applied()).isEqualTo(50);
    }

    @Test
    void child_thatWaitedForItsParentOnce_waitsAsLongForTheNext() {
        AtomicBoolean isParentThere = new AtomicBoolean();
        AtomicInteger attempts = new AtomicInteger();
        Cluster families = new Cluster(
                Versioning.column("us_version"),
                store -> store.refusing(item -> {
                    attempts.incrementAndGet();
                    if (!isParentThere.get()) {
                        throw new PrimaryFailure(DATA, "23503", Outcome.NOT_APPLIED, "no parent", null);
                    }
                    return false;
                }));
        Duration parentWait = Duration.ofSeconds(1);
        try (families) {
            Node one = families.start(repository -> repository.allowWriteBack(
                    back -> back.delay(Duration.ofMillis(10)).parentWait(parentWait)));
            one.items.save(new Item(1, "child", 1), Write.back());
            await().atMost(SOON).until(() -> attempts.get() > 0);
            long began = System.nanoTime();
            isParentThere.set(true);
            assertThat(one.items.drain(SOON)).isZero();
            await().atMost(SOON).until(() -> System.nanoTime() - began > parentWait.toNanos());

            isParentThere.set(false);
            int before = attempts.get();
            one.items.save(new Item(1, "child", 2), Write.back());
            await().atMost(SOON).until(() -> attempts.get() > before);
            isParentThere.set(true);

            assertThat(one.items.drain(SOON)).isZero();
            assertThat(one.items.deadLetters(10)).isEmpty();
        }
    }

    private static List<Item> items(int amount) {
        return LongStream.range(0, 50)
                .mapToObj(id -> new Item(id, "lamp", amount))
                .toList();
    }

    private DeadLetter<Long, Item> deadLetter(Node node) {
        node.items.save(new Item(1, "lamp", 11), Write.back());
        assertThat(node.items.drain(SOON)).isZero();
        List<DeadLetter<Long, Item>> letters = node.items.deadLetters(10);
        assertThat(letters).hasSize(1);
        return letters.get(0);
    }
}
