package dev.understudy.scenarios;

import dev.understudy.CachedRepository;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.Primary;
import dev.understudy.spi.SharedCommand;
import java.io.IOException;
import java.time.Duration;

/** A process that drains and stops at a moment, to be killed there: {@code HeldDrainer <moment>}. */
final class HeldDrainer {
    static final String HELD = "held";
    static final Duration LEASE = Duration.ofSeconds(2);

    private HeldDrainer() {}

    /** Where it stops. */
    enum Moment {
        /** The leases are claimed. */
        CLAIMED,
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
                Child.items(instance, settings -> settings.allowWriteBack(back -> back.lease(LEASE)));
        items.resumeDrain();
        claimed.awaitArrival();
        if (moment == Moment.WRITTEN) {
            Gate written = instance.store().holdNextApply();
            claimed.open();
            written.awaitArrival();
        } else if (moment == Moment.COMMITTED) {
            Gate committed = instance.primary().holdAfterNextCommit(Primary.Use.DRAIN);
            claimed.open();
            committed.awaitArrival();
        } else if (moment == Moment.TOLD_IN_PART) {
            instance.replica().next(SharedCommand.Drained.class, Fault.before(() -> {}));
            instance.replica().every(SharedCommand.Drained.class, Fault.heldBefore(told));
            claimed.open();
            told.awaitArrival(Duration.ofSeconds(20));
        }
        Child.say(HELD);
        Child.await();
    }
}
