package dev.understudy.spi;

import dev.understudy.model.Position;
import java.time.Duration;

/**
 * A shard's counters, read at once. {@code acked = applied + superseded + dead + pending + lost} holds in every reading.
 *
 * @param position generation and position
 * @param acked acknowledged write-backs
 * @param applied of these, written to the primary
 * @param superseded of these, replaced by a newer write of their key
 * @param dead of these, in the dead letters
 * @param lost of these, known to be lost
 * @param hollow pending entries that carry no acknowledged write-back any more
 * @param queued pending entries
 * @param oldest how long the oldest entry has been pending; zero if there is none
 * @param bytes of the pending entries' payloads
 */
public record ShardStatus(
        Position position,
        long acked,
        long applied,
        long superseded,
        long dead,
        long lost,
        long hollow,
        long queued,
        Duration oldest,
        long bytes) {
    /** Acknowledged write-backs that wait for the drain. */
    public long pending() {
        return queued - hollow;
    }
}
