package dev.understudy.engine;

import dev.understudy.model.Version;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The loads and own writes under way, by key, with what was announced of their keys meanwhile: an install that was overtaken is recognised
 * by its ticket's floor. Thread-safe.
 *
 * <p>Source: the invalidation floor of leases, Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1.
 */
final class InFlight<K> {
    private final ConcurrentHashMap<K, List<Ticket>> tickets = new ConcurrentHashMap<>();

    /** One load or write. Thread-safe. */
    static final class Ticket {
        private final ShardState shard;
        private final int epoch;
        private final long began;
        private volatile long floor;

        Ticket(ShardState shard, long now) {
            this.shard = shard;
            this.epoch = shard.epoch();
            this.began = now;
        }

        /** When it began, on the engine's clock. */
        long began() {
            return began;
        }

        int epoch() {
            return epoch;
        }

        ShardState shard() {
            return shard;
        }

        /** Whether something newer was announced since, or the announcements were interrupted. */
        boolean isOvertaken(Version version) {
            return floor > version.value() || epoch != shard.epoch();
        }

        /** Whether anything at all was announced since. */
        boolean isTouched() {
            return floor > 0 || epoch != shard.epoch();
        }

        private synchronized void raise(Version version) {
            floor = Math.max(floor, version.value());
        }
    }

    Ticket enter(K key, ShardState shard, long now) {
        Ticket ticket = new Ticket(shard, now);
        tickets.compute(key, (k, present) -> {
            List<Ticket> all = new ArrayList<>(present == null ? List.of() : present);
            all.add(ticket);
            return all;
        });
        return ticket;
    }

    void leave(K key, Ticket ticket) {
        tickets.computeIfPresent(key, (k, present) -> {
            List<Ticket> rest = new ArrayList<>(present);
            rest.remove(ticket);
            return rest.isEmpty() ? null : rest;
        });
    }

    /** Tells everything under way for the key of a newer version. */
    void raise(K key, Version version) {
        for (Ticket ticket : tickets.getOrDefault(key, List.of())) {
            ticket.raise(version);
        }
    }

    int size() {
        return tickets.size();
    }
}
