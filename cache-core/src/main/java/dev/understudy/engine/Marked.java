package dev.understudy.engine;

import dev.understudy.engine.InFlight.Ticket;
import dev.understudy.model.Generation;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.Applied;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.Prepared;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A key with its marker and, once written, what the primary did. Confined to the thread of its transaction until that has ended. */
final class Marked<V> {
    /** Of a key whose marker is not put. */
    static final Prepared NONE = new Prepared(Version.ABSENT, 0, 0, EntryKind.PLACEHOLDER, Version.ABSENT);

    final ShardKey address;
    final Ticket ticket;
    final long writeId = CacheContext.newIdentity();
    Generation generation = Generation.NONE;
    Prepared prepared = NONE;
    /** When the marker was put or renewed, at the latest, on the engine's clock. */
    long since;

    boolean isLost;

    /** Whether the pending value is known to have no column that this version of the application does not know. */
    boolean isOwn;

    @Nullable
    Applied<V> applied;

    /** Of a delete that leaves one: above the row that was deleted, so that a pending write above it had not been drained. */
    @Nullable
    Version tombstone;

    Marked(ShardKey address, Ticket ticket) {
        this.address = address;
        this.ticket = ticket;
    }

    /** The version of the row as written, or of its delete. */
    Version version() {
        if (applied instanceof Applied.Stored<V> stored) {
            return stored.row().version();
        }
        return tombstone == null ? prepared.version() : tombstone;
    }

    static <V> List<Integer> shards(List<Marked<V>> marks) {
        return marks.stream().map(mark -> mark.address.shard()).toList();
    }
}
