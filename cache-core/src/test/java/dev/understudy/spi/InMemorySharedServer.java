package dev.understudy.spi;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.model.Ack;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A server of shared replicas in memory, for tests: same replies, state, announcements, expiry and counters as the Redis
 * adapter with its scripts. Each {@link #connect} stands for one instance's connection. Besides what a healthy server does it can
 * be unreachable, lose its memory, go back in it, restart and run out of memory. Thread-safe; one lock stands for the
 * server's single thread, and listeners are called with no lock held.
 */
public final class InMemorySharedServer {
    private final Clock clock;
    private final Object lock = new Object();

    @GuardedBy("lock")
    private final Map<String, InMemoryShard[]> caches = new HashMap<>();

    @GuardedBy("lock")
    private final List<InMemorySharedReplica> connections = new ArrayList<>();

    @GuardedBy("lock")
    private LongSupplier candidates;

    @GuardedBy("lock")
    private long era = 1;

    @GuardedBy("lock")
    private boolean reachable = true;

    @GuardedBy("lock")
    private boolean outOfMemory;

    @GuardedBy("lock")
    private Function<Ack, Optional<String>> refusal = ack -> Optional.empty();

    /** All data of a server at one time. Immutable. */
    public static final class Snapshot {
        private final Map<String, List<InMemoryShard>> caches;

        private Snapshot(Map<String, List<InMemoryShard>> caches) {
            this.caches = caches;
        }
    }

    /** An empty server; entries expire by the clock, and its microseconds are those of the protocol. */
    public InMemorySharedServer(Clock clock) {
        this.clock = clock;
        this.candidates = new LongSupplier() {
            private long next = 1;

            @Override
            public long getAsLong() {
                return next++;
            }
        };
    }

    /** A new connection, as one instance holds it. */
    public InMemorySharedReplica connect() {
        InMemorySharedReplica connection = new InMemorySharedReplica(this);
        synchronized (lock) {
            connections.add(connection);
        }
        return connection;
    }

    /** The server's clock, in microseconds since 1970. */
    public long micros() {
        return ManualClock.micros(clock.now());
    }

    /** Loses every key, as FLUSHALL does; connections stay. */
    public void flush() {
        synchronized (lock) {
            caches.values().forEach(shards -> {
                for (InMemoryShard shard : shards) {
                    shard.clear();
                }
            });
        }
    }

    /** Everything as it is now. */
    public Snapshot snapshot() {
        synchronized (lock) {
            Map<String, List<InMemoryShard>> copies = new HashMap<>();
            caches.forEach((name, shards) -> {
                List<InMemoryShard> copy = new ArrayList<>();
                for (InMemoryShard shard : shards) {
                    copy.add(shard.copy());
                }
                copies.put(name, copy);
            });
            return new Snapshot(copies);
        }
    }

    /** Goes back to the snapshot with a new era and loses every connection: a failover that lost the tail. */
    public void rollback(Snapshot snapshot) {
        synchronized (lock) {
            caches.forEach((name, shards) -> {
                List<InMemoryShard> copies = snapshot.caches.get(name);
                for (InMemoryShard shard : shards) {
                    if (copies == null) {
                        shard.clear();
                    } else {
                        shard.become(copies.get(shard.number));
                    }
                }
            });
        }
        restart();
    }

    /** Restarts with its data: a new era; every connection is lost and made again. */
    public void restart() {
        synchronized (lock) {
            era++;
        }
        disconnect();
    }

    /** Loses every connection; each is made again at once. */
    public void disconnect() {
        List<InMemorySharedReplica> all;
        synchronized (lock) {
            all = List.copyOf(connections);
        }
        all.forEach(InMemorySharedReplica::disconnect);
    }

    /** Whether commands reach the server; while they do not, they fail without being sent. Going away loses every connection. */
    public void reachable(boolean yes) {
        synchronized (lock) {
            reachable = yes;
        }
        if (!yes) {
            disconnect();
        }
    }

    /** Whether the memory is full: write-backs are refused, what frees or replaces goes on. */
    public void outOfMemory(boolean yes) {
        synchronized (lock) {
            outOfMemory = yes;
        }
    }

    /** What {@link SharedReplica#whyNot} answers. */
    public void refusal(Function<Ack, Optional<String>> why) {
        synchronized (lock) {
            refusal = why;
        }
    }

    /** The era that an OPEN finds from now on; a change stands for a restart. */
    public void era(long value) {
        synchronized (lock) {
            era = value;
        }
    }

    long era() {
        synchronized (lock) {
            return era;
        }
    }

    /** Where the generations of new data come from; 1, 2, 3 unless set. */
    public void candidates(LongSupplier generations) {
        synchronized (lock) {
            candidates = generations;
        }
    }

    /** Deletes a key as a stranger, an eviction or an expiry would; false if there was none. */
    public boolean evict(String namespace, String cache, ShardKey key) {
        synchronized (lock) {
            return shard(namespace, cache, key.shard()).entries().remove(key.text()) != null;
        }
    }

    /** The record of a key; empty if there is none or it has expired. */
    public Optional<InMemoryEntry> entry(String namespace, String cache, ShardKey key) {
        synchronized (lock) {
            return Optional.ofNullable(shard(namespace, cache, key.shard()).get(key.text()));
        }
    }

    /** The meta record of a shard; empty if it has none. */
    public Optional<InMemoryMeta> meta(String namespace, String cache, int shard) {
        synchronized (lock) {
            return Optional.ofNullable(shard(namespace, cache, shard).meta()).map(InMemoryMeta::copy);
        }
    }

    /** The queue of a shard: pending keys with when they first became pending, in order. */
    public Map<String, Long> queue(String namespace, String cache, int shard) {
        synchronized (lock) {
            return shard(namespace, cache, shard).queue().scores();
        }
    }

    void attach(String namespace, String cache, int shards) {
        synchronized (lock) {
            InMemoryShard[] stored = caches.computeIfAbsent(namespace + "/" + cache, name -> {
                InMemoryShard[] created = new InMemoryShard[shards];
                for (int i = 0; i < shards; i++) {
                    created[i] = new InMemoryShard(i, this::micros);
                }
                return created;
            });
            if (stored.length != shards) {
                throw new Invalid(
                        "cache " + cache + " has " + stored.length + " shards in the shared replica, not " + shards);
            }
        }
    }

    void forget(InMemorySharedReplica connection) {
        synchronized (lock) {
            connections.remove(connection);
        }
    }

    Optional<String> whyNot(Ack ack) {
        synchronized (lock) {
            return refusal.apply(ack);
        }
    }

    void requireReachable() {
        synchronized (lock) {
            if (!reachable) {
                throw new SharedReplicaFailure(
                        SharedReplicaFailure.Reason.NOT_SENT, "the shared replica is not connected", null);
            }
        }
    }

    void requireReachableAtStart() {
        synchronized (lock) {
            if (!reachable) {
                throw new Unavailable("the shared replica cannot be reached", null, Tier.SHARED, Outcome.NOT_APPLIED);
            }
        }
    }

    List<@Nullable SharedEntry> read(String namespace, String cache, List<ShardKey> keys) {
        synchronized (lock) {
            requireReachable();
            List<@Nullable SharedEntry> found = new ArrayList<>(keys.size());
            for (ShardKey key : keys) {
                InMemoryEntry entry = shard(namespace, cache, key.shard()).get(key.text());
                found.add(entry == null ? null : entry.read());
            }
            return found;
        }
    }

    List<ShardPosition> positions(String namespace, String cache) {
        synchronized (lock) {
            requireReachable();
            List<ShardPosition> positions = new ArrayList<>();
            for (InMemoryShard shard : shards(namespace, cache)) {
                positions.add(new ShardPosition(shard.number, shard.position()));
            }
            return positions;
        }
    }

    List<Long> pending(String namespace, String cache) {
        synchronized (lock) {
            requireReachable();
            List<Long> pending = new ArrayList<>();
            for (InMemoryShard shard : shards(namespace, cache)) {
                pending.add((long) shard.queue().size());
            }
            return pending;
        }
    }

    /** Runs one command and hands its announcements to every connection; these tell their listeners when {@link #deliver}ed. */
    Object run(String namespace, String cache, SharedCommand<?> command) {
        synchronized (lock) {
            requireReachable();
            InMemoryShard shard = shard(namespace, cache, command.shard());
            Object reply = run(shard, command);
            for (InMemoryShard.Published published : shard.takePublished()) {
                for (InMemorySharedReplica connection : connections) {
                    connection.arrived(namespace, cache, published::tell);
                }
            }
            return reply;
        }
    }

    void deliver() {
        List<InMemorySharedReplica> all;
        synchronized (lock) {
            all = List.copyOf(connections);
        }
        all.forEach(InMemorySharedReplica::deliver);
    }

    @GuardedBy("lock")
    private Object run(InMemoryShard shard, SharedCommand<?> command) {
        if (command instanceof SharedCommand.Open) {
            return shard.open(candidates.getAsLong(), era);
        } else if (command instanceof SharedCommand.Prepare c) {
            return InMemoryScripts.prepare(shard, c);
        } else if (command instanceof SharedCommand.Renew c) {
            return InMemoryScripts.renew(shard, c);
        } else if (command instanceof SharedCommand.Apply c) {
            return InMemoryScripts.apply(shard, c);
        } else if (command instanceof SharedCommand.Lease c) {
            return InMemoryScripts.lease(shard, c);
        } else if (command instanceof SharedCommand.Fill c) {
            return InMemoryScripts.fill(shard, c);
        } else if (command instanceof SharedCommand.WriteBack c) {
            if (outOfMemory) {
                throw new SharedReplicaFailure(
                        SharedReplicaFailure.Reason.OUT_OF_MEMORY, "the shared replica is out of memory", null);
            }
            return InMemoryScripts.writeBack(shard, c);
        } else if (command instanceof SharedCommand.Peek c) {
            return InMemoryScripts.peek(shard, c);
        } else if (command instanceof SharedCommand.Drained c) {
            return InMemoryScripts.drained(shard, c);
        } else if (command instanceof SharedCommand.Invalidate c) {
            return InMemoryScripts.invalidate(shard, c);
        } else if (command instanceof SharedCommand.Distrust c) {
            return shard.distrust(c.generation(), candidates.getAsLong());
        } else if (command instanceof SharedCommand.Restore c) {
            return InMemoryScripts.restore(shard, c);
        } else if (command instanceof SharedCommand.ReportLost c) {
            return InMemoryScripts.lost(shard, c);
        } else if (command instanceof SharedCommand.Status c) {
            return shard.status(c.generation());
        }
        throw new IllegalArgumentException(
                "no such command: " + command.getClass().getSimpleName());
    }

    @GuardedBy("lock")
    private InMemoryShard[] shards(String namespace, String cache) {
        InMemoryShard[] shards = caches.get(namespace + "/" + cache);
        if (shards == null) {
            throw new IllegalStateException("no cache " + cache);
        }
        return shards;
    }

    @GuardedBy("lock")
    private InMemoryShard shard(String namespace, String cache, int shard) {
        return shards(namespace, cache)[shard];
    }
}
