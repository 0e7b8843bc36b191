package dev.understudy.engine;

import dev.understudy.model.Ack;
import dev.understudy.model.Invalid;
import dev.understudy.spi.SharedReplica;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which ack levels the shared replica can keep. Asked once for each level and generation of its data, so that a write costs no question.
 * Thread-safe.
 */
final class AckLevels {
    private static final Logger LOG = LoggerFactory.getLogger(AckLevels.class);

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

    /** Logs a warning if the server may evict what makes an entry suspect while its writer commits: write-through is weaker then. */
    void warn(String cache) {
        replica.whyNot(Ack.ACCEPTED)
                .ifPresent(why -> LOG.warn(
                        "{}: the shared replica may evict markers and positions as well as copies ({}): a write-through whose process dies"
                                + " between commit and announcement may stay unseen until the copies' time to live",
                        cache,
                        why));
    }

    /** The server may be another one now. */
    void reopened() {
        kept.clear();
    }
}
