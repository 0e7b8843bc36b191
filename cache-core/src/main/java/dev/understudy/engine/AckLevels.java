package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Invalid;
import dev.understudy.spi.SharedReplica;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which ack levels the shared replica can keep. Asked once for each level and generation of its data, so that a write costs no question.
 * Thread-safe.
 */
final class AckLevels {
    private final SharedReplica replica;
    private final Set<Ack> kept = ConcurrentHashMap.newKeySet();

    AckLevels(SharedReplica replica) {
        this.replica = replica;
    }

    /** Throws {@link Invalid} with the reason if the level cannot be kept. */
    void require(Ack ack) {
        if (kept.contains(ack)) {
            return;
        }
        replica.whyNot(ack).ifPresent(why -> {
            throw new Invalid("write-back with ack " + ack.level() + " cannot be kept: " + why);
        });
        kept.add(ack);
    }

    /** The server may be another one now. */
    void reopened() {
        kept.clear();
    }
}
