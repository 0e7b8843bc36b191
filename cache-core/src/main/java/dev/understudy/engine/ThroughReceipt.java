package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Position;
import dev.understudy.model.Replication;
import dev.understudy.model.Version;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** What a write-through got: it is committed. {@link Position#NONE} where the shared replica has not counted the write. Immutable. */
record ThroughReceipt(Version version, Position position) implements WriteReceipt {
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
