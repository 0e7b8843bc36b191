package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Outcome;
import dev.understudy.model.Position;
import dev.understudy.model.Replication;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.Version;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * What a write-through got: it is committed. Immutable.
 *
 * @param position {@link Position#NONE} where the shared replica has not counted the write
 * @param isTold whether the replicas are told, or will be by a note in the outbox; else the caller of the write must not be told of success
 * @param isDelete whether there is no row now
 */
record ThroughReceipt(Version version, Position position, boolean isTold, boolean isDelete) implements WriteReceipt {
    /**
     * Refuses to call that a success of which the shared replica could not be told in time.
     *
     * @throws Unavailable with outcome {@code APPLIED}
     */
    static void requireTold(Collection<? extends WriteReceipt> receipts) {
        for (WriteReceipt receipt : receipts) {
            if (receipt instanceof ThroughReceipt through && !through.isTold()) {
                throw new Unavailable(
                        "the primary has committed, but the shared replica could not be told in time",
                        null,
                        Tier.SHARED,
                        Outcome.APPLIED);
            }
        }
    }

    @Override
    public WriteMode mode() {
        return WriteMode.THROUGH;
    }

    @Override
    public Ack ack() {
        return Ack.FSYNCED;
    }

    @Override
    public Replication awaitCommitted(Duration timeout) {
        return Replication.COMMITTED;
    }

    @Override
    public CompletionStage<Replication> committed(Duration timeout) {
        return CompletableFuture.completedStage(Replication.COMMITTED);
    }
}
