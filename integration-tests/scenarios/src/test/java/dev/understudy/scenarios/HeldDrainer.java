package dev.understudy.scenarios;

import dev.understudy.CachedRepository;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.FaultySharedReplica.PendingCounts;
import dev.understudy.spi.FaultySharedReplica.Rule;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedCommand;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;

/**
 * A process that drains and stops at a moment, to be killed or frozen there: {@code HeldDrainer <moment>}. A line on its standard input
 * lets it go on; it says so when its next round begins.
 */
final class HeldDrainer {
    static final String HELD = "held";
    static final String WENT_ON = "went on";
    static final Duration LEASE = Duration.ofSeconds(2);
    /** Longer than the lease, so that it is not what ends a transaction that is held. */
    private static final Duration TIMEOUT = Duration.ofSeconds(30);

    private HeldDrainer() {}

    /** Where it stops. */
    enum Moment {
        /** The leases are claimed. */
        CLAIMED,
        /** The batch is read and its transaction not begun. */
        READ,
        /** The batch is written and not committed. */
        WRITTEN,
        /** The batch is committed and the shared replica not told. */
        COMMITTED,
        /** The shared replica was told of one entry of the batch. */
        TOLD_IN_PART
    }

    public static void main(String[] arguments) throws IOException, InterruptedException {
        Moment moment = Moment.valueOf(arguments[0]);
        Instance instance = Child.open();
        Gate claimed = instance.primary().holdAfterNextCommit(Primary.Use.DRAIN);
        Hold told = new Hold();
        CachedRepository<Long, Item> items =
                Child.items(instance, settings -> settings.timeout(TIMEOUT).allowWriteBack(back -> back.lease(LEASE)));
        items.resumeDrain();
        claimed.awaitArrival();
        Gate held = claimed;
        if (moment == Moment.READ) {
            held = instance.primary().holdNextBegin(Primary.Use.DRAIN);
            claimed.open();
            held.awaitArrival();
        } else if (moment == Moment.WRITTEN) {
            held = instance.store().holdNextApply();
            claimed.open();
            held.awaitArrival();
        } else if (moment == Moment.COMMITTED) {
            held = instance.primary().holdAfterNextCommit(Primary.Use.DRAIN);
            claimed.open();
            held.awaitArrival();
        } else if (moment == Moment.TOLD_IN_PART) {
            instance.replica().next(SharedCommand.Drained.class, Fault.before(() -> {}));
            instance.replica().every(SharedCommand.Drained.class, Fault.heldBefore(told));
            claimed.open();
            told.awaitArrival(Duration.ofSeconds(20));
        }
        Child.say(HELD);
        Child.await();
        CountDownLatch nextRound = new CountDownLatch(1);
        try (Rule watch = instance.replica().watch(PendingCounts.class, call -> nextRound.countDown())) {
            held.open();
            told.release();
            nextRound.await();
        }
        Child.say(WENT_ON);
        Child.await();
    }
}
