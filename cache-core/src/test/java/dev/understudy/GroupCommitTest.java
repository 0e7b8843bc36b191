package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.Calls.Call;
import dev.understudy.Cluster.Node;
import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.Item;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.SharedCommand;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.CountDownLatch;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What callers do to one another whose rows share a transaction: nothing. */
class GroupCommitTest {
    private static final Duration SOON = Duration.ofSeconds(10);
    /** Of callers that are to wait for one another, however slow the machine is. */
    private static final Duration LONG = Duration.ofMinutes(2);

    private static final String GROUP_COMMIT = "dev.understudy.engine.GroupCommit";

    private final ConcurrentMap<Long, UnaryOperator<Item>> stores = new ConcurrentHashMap<>();
    private final Cluster cluster = new Cluster(
            Versioning.column("us_version"),
            store -> store.storing(item ->
                    stores.getOrDefault(item.id(), UnaryOperator.identity()).apply(item)));
    private final Node node = cluster.start();
    private final List<Hold> lanes = new ArrayList<>();
    private final List<Call<?>> first = new ArrayList<>();

    @AfterEach
    void close() {
        lanes.forEach(Hold::release);
        cluster.close();
    }

    @Test
    void save_whoseKeyACallerGaveUpWhileItsGroupRan_isWritten() throws Exception {
        CountDownLatch gate = new CountDownLatch(1);
        occupyLanes();
        Call<WriteReceipt> leader = save(1, "leads", LONG);
        awaitWaiting(leader);
        Call<WriteReceipt> abandoned = save(2, "gives up", Duration.ofMillis(300));
        awaitWaiting(leader, abandoned);
        onFirstStore(1, item -> {
            await(gate);
            throw new PrimaryFailure(PrimaryFailure.Kind.DATA, "23514", Outcome.NOT_APPLIED, "refused", null);
        });

        lanes.get(0).release();
        assertThat(abandoned.failure())
                .isInstanceOfSatisfying(
                        DeadlineExceeded.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN));
        gate.countDown();
        leader.end();

        node.items.save(new Item(2, "later", 1), Write.through().timeout(Duration.ofSeconds(2)));
        assertThat(node.items.read(2L, Read.strong()).value()).contains(new Item(2, "later", 1));
    }

    @Test
    void caller_whoseTimeEndsBeforeHisGroupSendsARow_hasWrittenNothing() throws Exception {
        occupyLanes();
        Call<WriteReceipt> leader = save(1, "leads", LONG);
        awaitWaiting(leader);
        Call<WriteReceipt> follower = save(2, "gives up", Duration.ofMillis(300));
        awaitWaiting(leader, follower);
        Hold prepare = hold();

        lanes.get(0).release();
        assertThat(prepare.awaitArrival(SOON)).isTrue();
        assertThat(follower.failure())
                .isInstanceOfSatisfying(
                        DeadlineExceeded.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
        prepare.release();
        leader.end();

        assertThat(node.items.read(2L, Read.strong()).value()).isEmpty();
        node.items.save(new Item(2, "later", 1), Write.through().timeout(Duration.ofSeconds(2)));
    }

    @Test
    void follower_withTimeLeft_isWrittenThoughItsLeadersTimeIsOver() throws Exception {
        occupyLanes();
        Call<WriteReceipt> leader = save(1, "leads", Duration.ofMillis(500));
        awaitWaiting(leader);
        Call<WriteReceipt> follower = save(2, "follows", LONG);
        awaitWaiting(leader, follower);
        Hold prepare = hold();

        lanes.get(0).release();
        assertThat(prepare.awaitArrival(SOON)).isTrue();

        assertThat(leader.failure())
                .isInstanceOfSatisfying(
                        UnderstudyException.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
        follower.end();
        assertThat(node.items.read(2L, Read.strong()).value()).contains(new Item(2, "follows", 1));
        assertThat(node.items.read(1L, Read.strong()).value()).isEmpty();
        prepare.release();
    }

    @Test
    void group_whoseStoreThrowsACheckedException_failsTheRowsOwnCallerOnly() throws Exception {
        stores.put(2L, item -> sneak(new IOException("a store of the team's own")));
        occupyLanes();
        List<Call<WriteReceipt>> calls = List.of(save(1, "a", LONG), save(2, "b", LONG), save(3, "c", LONG));
        Calls.awaitWaitingIn(GROUP_COMMIT, calls);
        lanes.forEach(Hold::release);

        calls.get(0).end();
        calls.get(2).end();
        assertThat(calls.get(1).failure()).isInstanceOfSatisfying(Unavailable.class, e -> {
            assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            assertThat(e).hasCauseInstanceOf(IOException.class);
        });
        stores.clear();
        node.items.save(new Item(2, "later", 1), Write.through().timeout(Duration.ofSeconds(2)));
    }

    @Test
    void callers_ofOneGroupThatFails_haveExceptionsOfTheirOwn() throws Exception {
        occupyLanes();
        List<Call<WriteReceipt>> calls = List.of(save(1, "a", LONG), save(2, "b", LONG));
        Calls.awaitWaitingIn(GROUP_COMMIT, calls);
        cluster.primary.away(true);
        lanes.get(0).release();

        Throwable one = calls.get(0).failure();
        Throwable other = calls.get(1).failure();
        assertThat(one).isInstanceOf(UnderstudyException.class).isNotSameAs(other);
        assertThat(other).isInstanceOf(UnderstudyException.class);
    }

    @Test
    void group_ofMoreRowsThanItsBound_isSplit() throws Exception {
        Map<Thread, Integer> rows = rowsByLeader(270, item -> item.name().length());

        assertThat(rows.values()).containsExactlyInAnyOrder(256, 14);
    }

    @Test
    void group_ofMoreBytesThanItsBound_isSplit() throws Exception {
        Map<Thread, Integer> rows = rowsByLeader(7, item -> 300 * 1024);

        // Three of them are below a mebibyte, four are not.
        assertThat(rows.values()).containsExactlyInAnyOrder(3, 3, 1);
    }

    /** Lets so many rows gather and go through one lane; answers how many each leader wrote. */
    private Map<Thread, Integer> rowsByLeader(int callers, java.util.function.ToIntFunction<Item> size)
            throws Exception {
        occupyLanes();
        Map<Thread, Integer> rows = new HashMap<>();
        List<Call<WriteReceipt>> calls = new ArrayList<>();
        for (long id = 1; id <= callers; id++) {
            stores.put(id, item -> {
                synchronized (rows) {
                    rows.merge(Thread.currentThread(), 1, Integer::sum);
                }
                return item;
            });
            calls.add(save(id, "x".repeat(size.applyAsInt(new Item(id, "x", 1))), LONG));
        }
        Calls.awaitWaitingIn(GROUP_COMMIT, calls);
        lanes.get(0).release();
        for (Call<WriteReceipt> call : calls) {
            call.end();
        }
        synchronized (rows) {
            return new HashMap<>(rows);
        }
    }

    /** Holds two transactions before they have begun. */
    private void occupyLanes() throws InterruptedException {
        for (long id = 1000; id < 1002; id++) {
            Hold hold = hold();
            lanes.add(hold);
            first.add(save(id, "occupies a lane", LONG));
            assertThat(hold.awaitArrival(SOON)).isTrue();
        }
    }

    private Hold hold() {
        Hold hold = new Hold();
        node.faults.next(SharedCommand.Prepare.class, Fault.heldBefore(hold));
        return hold;
    }

    private Call<WriteReceipt> save(long id, String name, Duration timeout) {
        return Calls.begin(
                () -> node.items.save(new Item(id, name, 1), Write.through().timeout(timeout)));
    }

    private static void awaitWaiting(Call<?>... calls) {
        Calls.awaitWaitingIn(GROUP_COMMIT, List.of(calls));
    }

    private void onFirstStore(long id, UnaryOperator<Item> change) {
        stores.put(id, item -> {
            stores.remove(id);
            return change.apply(item);
        });
    }

    private static void await(CountDownLatch gate) {
        try {
            gate.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @SuppressWarnings("unchecked")
    private static <T, E extends Exception> T sneak(Exception e) throws E {
        throw (E) e;
    }
}
