package dev.understudy.engine;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;

/**
 * What this instance knows of one shard. Thread-safe: the near hit path reads the volatile fields, everything is changed under the
 * object's own lock, which is never held across I/O.
 *
 * <p>Invariant: every near entry that carries the present {@link #epoch} contains all changes of the shard up to
 * {@link #applied}; {@link #confirmedAt} is a moment at which the shard's position was {@code applied}.
 */
final class ShardState {
    /** Before any moment a reader can ask for. */
    private static final long NEVER = Long.MIN_VALUE / 2;

    final int shard;
    private volatile Generation generation = Generation.NONE;
    private volatile int epoch;
    private volatile long confirmedAt;
    private volatile boolean confirmed;
    private volatile long openedAt;
    private volatile long lastConfirmedAt;
    private Position applied = Position.NONE;
    private Position awaited = Position.NONE;
    private long awaitedAsOf;

    ShardState(int shard, long now) {
        this.shard = shard;
        this.confirmedAt = now + NEVER;
        this.openedAt = now;
        this.lastConfirmedAt = now;
    }

    /** The generation that commands are sent with. */
    Generation generation() {
        return generation;
    }

    /** The count of drops; an entry of another epoch is not there. */
    int epoch() {
        return epoch;
    }

    /** The moment, on the engine's clock, at which the near entries were certainly complete. */
    long confirmedAt() {
        return confirmedAt;
    }

    /** The same, whatever was dropped since; when this object was made if the shard was never confirmed. */
    long lastConfirmedAt() {
        return lastConfirmedAt;
    }

    /** Whether the shard was confirmed since its entries were last dropped. */
    boolean isConfirmed() {
        return confirmed;
    }

    /** Since when, on the engine's clock, the present generation is known here. */
    long openedAt() {
        return openedAt;
    }

    synchronized Position applied() {
        return applied;
    }

    synchronized void opened(Position position, long now) {
        if (!generation.equals(position.generation())) {
            generation = position.generation();
            openedAt = now;
            drop(Position.NONE, now);
        }
    }

    /** Takes note of a change whose eviction is done. Answers false after a gap, when the whole shard was dropped. */
    synchronized boolean follow(Position position, long now) {
        if (position.generation().equals(applied.generation())) {
            if (position.value() <= applied.value()) {
                return true;
            }
            if (position.value() == applied.value() + 1) {
                applied = position;
                if (!awaited.equals(Position.NONE) && applied.covers(awaited)) {
                    confirm(awaitedAsOf);
                }
                return true;
            }
        }
        drop(position, now);
        return false;
    }

    /**
     * Compares with the position that the shard had at {@code asOf} or later. What is applied up to there confirms the shard as of then.
     * A shard that is behind is given until the next pull, as the announcements may be on their way; still behind the earlier pull
     * then, it is dropped and goes on from the position pulled.
     *
     * @return true if the shard was dropped
     */
    synchronized boolean compare(Position pulled, long asOf, long now) {
        if (applied.covers(pulled)) {
            confirm(asOf);
            return false;
        }
        if (pulled.generation().equals(applied.generation()) && awaited.equals(Position.NONE)) {
            awaited = pulled;
            awaitedAsOf = asOf;
            return false;
        }
        drop(pulled, now);
        confirm(asOf);
        return true;
    }

    /** Forgets every near entry: announcements may have been missed. */
    synchronized void interrupt(long now) {
        drop(Position.NONE, now);
    }

    private void confirm(long asOf) {
        awaited = Position.NONE;
        if (asOf - confirmedAt > 0) {
            confirmedAt = asOf;
            lastConfirmedAt = asOf;
            confirmed = true;
        }
    }

    private void drop(Position next, long now) {
        applied = next;
        awaited = Position.NONE;
        confirmed = false;
        confirmedAt = now + NEVER;
        int following = epoch + 1;
        epoch = following;
    }
}
