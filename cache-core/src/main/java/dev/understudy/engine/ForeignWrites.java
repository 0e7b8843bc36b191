package dev.understudy.engine;

import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Pending values with columns that this version of the application does not know: a write-through would supersede them, and these columns
 * would be lost. Stateless.
 */
final class ForeignWrites {
    /** Between two looks at a pending write that must be drained first. */
    private static final Duration LOOK = Duration.ofMillis(10);

    private ForeignWrites() {}

    /** Whether any of the keys has one. */
    static boolean isAny(CacheContext<?, ?> context, List<ShardKey> addresses, Deadline deadline) {
        try {
            return Replies.await(context.shared.read(addresses), deadline).stream()
                    .anyMatch(entry -> isForeign(context, entry));
        } catch (SharedReplicaFailure | GenerationChanged e) {
            throw Replies.shared(e, Outcome.NOT_APPLIED);
        }
    }

    private static boolean isForeign(CacheContext<?, ?> context, @Nullable SharedEntry entry) {
        return entry != null
                && entry.pending()
                && entry.kind() == EntryKind.VALUE
                && context.envelope.losesColumns(entry.bytes(), entry.offset(), entry.length());
    }

    /** Waits a moment for the drain. */
    static void pause(Deadline deadline) {
        if (deadline.remainingNanos() < 2 * LOOK.toNanos()) {
            throw new Unavailable(
                    "a pending write of another version of the application is not drained yet",
                    null,
                    Tier.SHARED,
                    Outcome.NOT_APPLIED);
        }
        deadline.pause(LOOK, Tier.SHARED, Outcome.NOT_APPLIED);
    }
}
