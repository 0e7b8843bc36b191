package dev.understudy.engine;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.WriteReceipt;
import dev.understudy.spi.Applied;
import dev.understudy.spi.ApplyReply;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.AppliedChange;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Tells the replicas what the primary has committed of a write-through: the shared one, then this instance's. Thread-safe. */
final class OutcomeTelling<K, V> {
    private static final Duration RETRY = Duration.ofMillis(5);

    private final CacheContext<K, V> context;
    private final Shards shards;
    private final NearTier<K, V> near;
    private final LateApplies late;

    OutcomeTelling(CacheContext<K, V> context, Shards shards, NearTier<K, V> near, LateApplies late) {
        this.context = context;
        this.shards = shards;
        this.near = near;
        this.late = late;
    }

    /** Tells until the deadline, and later what could not be told by then; answers the receipts. */
    Map<K, WriteReceipt> tell(Map<K, Marked<V>> written, Deadline until) {
        Map<K, WriteReceipt> receipts = new LinkedHashMap<>();
        Map<K, Marked<V>> again = written;
        for (boolean first = true; !again.isEmpty(); first = false) {
            again = tell(again, first, until, receipts);
            if (!again.isEmpty() && !until.rest(RETRY)) {
                tellLater(again, receipts);
                break;
            }
        }
        return receipts;
    }

    private Map<K, Marked<V>> tell(
            Map<K, Marked<V>> written, boolean first, Deadline until, Map<K, WriteReceipt> receipts) {
        List<K> keys = List.copyOf(written.keySet());
        List<Marked<V>> marks = List.copyOf(written.values());
        List<Shards.Reply<ApplyReply>> replies = shards.attemptAll(
                Marked.shards(marks), i -> generation -> outcome(marks.get(i), generation, first), until);
        Map<K, Marked<V>> again = new LinkedHashMap<>();
        for (int i = 0; i < keys.size(); i++) {
            if (replies.get(i).failure() != null) {
                // The outcome may have arrived or not. Telling it once more without the marker is harmless.
                again.put(keys.get(i), marks.get(i));
            } else {
                receipts.put(
                        keys.get(i),
                        install(keys.get(i), marks.get(i), replies.get(i).result()));
            }
        }
        return again;
    }

    private SharedCommand<ApplyReply> outcome(Marked<V> mark, Generation generation, boolean first) {
        boolean holdsMarker = first && generation.equals(mark.generation);
        boolean isStored = mark.applied instanceof Applied.Stored<V>;
        byte[] payload = mark.applied instanceof Applied.Stored<V> stored && context.isVersioned()
                ? context.envelope.seal(stored.row().value())
                : new byte[0];
        return new SharedCommand.Apply(
                mark.address,
                generation,
                isStored ? AppliedChange.UPSERTED : AppliedChange.DELETED,
                mark.version(),
                payload,
                context.timeToLive(false),
                holdsMarker ? Optional.of(mark.prepared) : Optional.empty(),
                mark.writeId,
                !context.isVersioned());
    }

    private WriteReceipt install(K key, Marked<V> mark, ApplyReply reply) {
        context.counters.throughWrites.increment();
        boolean isCurrent =
                reply.result() == ApplyReply.Result.APPLIED || reply.result() == ApplyReply.Result.SUPERSEDED;
        if (isCurrent && mark.applied instanceof Applied.Stored<V> stored && context.isVersioned()) {
            near.evictBelow(key, stored.row().version());
            near.install(
                    key,
                    mark.ticket,
                    Optional.of(stored.row().value()),
                    stored.row().version());
        } else {
            near.evict(key);
        }
        return receipt(mark, reply.position(), true);
    }

    private static <V> ThroughReceipt receipt(Marked<V> mark, Position position, boolean isTold) {
        return new ThroughReceipt(mark.version(), position, isTold, mark.applied instanceof Applied.Deleted<V>);
    }

    private void tellLater(Map<K, Marked<V>> untold, Map<K, WriteReceipt> receipts) {
        context.counters.lateApplies.add(untold.size());
        untold.forEach((key, mark) -> {
            near.evict(key);
            late.add(mark.address.shard(), generation -> outcome(mark, generation, false), shards);
            receipts.put(key, receipt(mark, Position.NONE, false));
        });
    }
}
