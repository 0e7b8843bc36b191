package dev.understudy.adapters.redis;

import dev.understudy.model.Generation;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.InMemoryEntry;
import dev.understudy.spi.Prepared;
import dev.understudy.spi.QueueLimit;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.AppliedChange;
import dev.understudy.spi.SharedCommand.Condition;
import dev.understudy.spi.SharedCommand.Fate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.function.Function;

/**
 * Random commands that mostly fit what the keys hold: made from the twin's state and from what earlier commands were told.
 * Not thread-safe.
 */
final class CommandMix {
    private static final Duration MARKER = Duration.ofSeconds(10);
    private static final Duration LEASE = Duration.ofMinutes(2);

    private final Random random;
    private final List<ShardKey> keys;
    private final Function<ShardKey, Optional<InMemoryEntry>> entries;
    private final Map<Integer, Generation> generations = new HashMap<>();
    private final Map<ShardKey, Prepared> prepared = new HashMap<>();
    private final Map<ShardKey, Long> leases = new HashMap<>();
    private final Map<ShardKey, InMemoryEntry> peeked = new HashMap<>();
    private long ids = 1;
    private long nowMicros;
    private int at;

    CommandMix(Random random, List<ShardKey> keys, Function<ShardKey, Optional<InMemoryEntry>> entries) {
        this.random = random;
        this.keys = keys;
        this.entries = entries;
    }

    void opened(int shard, Generation generation) {
        generations.put(shard, generation);
    }

    void prepared(ShardKey key, Prepared reply) {
        prepared.put(key, reply);
    }

    void now(long micros) {
        nowMicros = micros;
    }

    /** Some key, often the same one as before. */
    ShardKey key() {
        if (random.nextInt(5) < 2) {
            at = random.nextInt(keys.size());
        }
        return keys.get(at);
    }

    /** The next command about some key or shard. */
    SharedCommand<?> next() {
        ShardKey key = key();
        Generation generation = generation(key.shard());
        int dice = random.nextInt(100);
        if (dice < 14) {
            return new SharedCommand.Prepare(key, generation, MARKER, known());
        } else if (dice < 18) {
            Prepared held = prepared.get(key);
            return new SharedCommand.Renew(key, generation, MARKER, held == null ? nowMicros : held.deadlineMicros());
        } else if (dice < 36) {
            return apply(key, generation);
        } else if (dice < 47) {
            long lease = ids++;
            leases.put(key, lease);
            return new SharedCommand.Lease(key, generation, lease, LEASE);
        } else if (dice < 57) {
            return fill(key, generation);
        } else if (dice < 72) {
            return writeBack(key, generation);
        } else if (dice < 76) {
            Duration age = random.nextBoolean() ? Duration.ZERO : Duration.ofMillis(random.nextInt(5_000));
            return new SharedCommand.Peek(key.shard(), generation, age, 1 + random.nextInt(4));
        } else if (dice < 89) {
            return drained(key, generation);
        } else if (dice < 93) {
            return new SharedCommand.Invalidate(key, generation, near(key));
        } else if (dice < 96) {
            return restore(key);
        } else if (dice < 97) {
            return new SharedCommand.ReportLost(key.shard(), generation, random.nextInt(5));
        } else if (dice < 99) {
            return new SharedCommand.Status(key.shard(), generation);
        }
        return new SharedCommand.Open(key.shard());
    }

    private SharedCommand<?> apply(ShardKey key, Generation generation) {
        Prepared held = random.nextInt(10) == 0 ? prepared.get(key) : prepared.remove(key);
        AppliedChange change = AppliedChange.values()[Math.min(2, random.nextInt(6) / 2)];
        Version version = held == null || random.nextInt(4) == 0 ? near(key) : held.version();
        return new SharedCommand.Apply(
                key,
                generation,
                change,
                version.isUnknown() ? Version.UNVERSIONED : version,
                change == AppliedChange.UPSERTED ? payload() : new byte[0],
                ttl(),
                Optional.ofNullable(held),
                ids++,
                random.nextInt(12) == 0);
    }

    private SharedCommand<?> fill(ShardKey key, Generation generation) {
        long lease = random.nextInt(8) == 0 ? 0 : leases.getOrDefault(key, 0L);
        boolean absent = random.nextInt(4) == 0;
        return new SharedCommand.Fill(
                key,
                generation,
                lease,
                absent ? EntryKind.ABSENT : EntryKind.VALUE,
                absent ? Version.ABSENT : new Version(nowMicros - random.nextInt(100) | 1),
                absent ? new byte[0] : payload(),
                ttl());
    }

    private SharedCommand<?> writeBack(ShardKey key, Generation generation) {
        Optional<InMemoryEntry> entry = entries.apply(key);
        long writeId =
                random.nextInt(10) == 0 ? entry.map(InMemoryEntry::writeId).orElse(1L) : ids++;
        Condition condition = switch (random.nextInt(8)) {
            case 0 -> Condition.EXISTS;
            case 1 -> Condition.MISSING;
            case 2 -> Condition.version(near(key));
            default -> Condition.NONE;
        };
        if (entry.isPresent() && !entry.get().dirty() && entry.get().first() > 0 && random.nextInt(3) == 0) {
            writeId = entry.get().first(); // comes back under its own lease
        }
        return writeBack(key, generation, writeId, condition, 1 + random.nextInt(5));
    }

    private SharedCommand.WriteBack writeBack(
            ShardKey key, Generation generation, long writeId, Condition condition, int limit) {
        Optional<Version> base = switch (random.nextInt(5)) {
            case 0 -> Optional.empty();
            case 1 -> Optional.of(Version.UNKNOWN);
            case 2 -> Optional.of(Version.ABSENT);
            default -> Optional.of(near(key));
        };
        boolean delete = random.nextInt(4) == 0;
        return new SharedCommand.WriteBack(
                key,
                generation,
                delete ? EntryKind.DELETED : EntryKind.VALUE,
                delete ? new byte[0] : payload(),
                writeId,
                condition,
                base,
                new QueueLimit(
                        limit,
                        random.nextInt(4) == 0 ? random.nextInt(120) : Long.MAX_VALUE,
                        Duration.ofMillis(random.nextInt(4) == 0 ? random.nextInt(100) : 100_000)),
                known(),
                random.nextInt(6) == 0
                        ? Optional.of(new SharedCommand.Carried(new byte[] {1}, near(key)))
                        : Optional.empty());
    }

    private SharedCommand.Drained drained(ShardKey key, Generation generation) {
        Optional<InMemoryEntry> entry = entries.apply(key).filter(InMemoryEntry::dirty);
        InMemoryEntry of = random.nextInt(4) == 0 ? peeked.get(key) : entry.orElse(peeked.get(key));
        entry.ifPresent(each -> {
            if (random.nextInt(3) == 0) {
                peeked.put(key, each);
            }
        });
        if (of == null) {
            return drained(key, generation, new Version(2), EntryKind.VALUE, 2);
        }
        return drained(key, generation, new Version(of.version()), of.kind(), of.writeId());
    }

    private SharedCommand.Drained drained(
            ShardKey key, Generation generation, Version version, EntryKind kind, long writeId) {
        Fate fate = Fate.values()[Math.max(0, random.nextInt(6) - 3)];
        Optional<SharedCommand.Correction> correction =
                fate == Fate.APPLIED && kind == EntryKind.VALUE && random.nextInt(4) == 0
                        ? Optional.of(new SharedCommand.Correction(
                                new Version(version.value() + random.nextInt(2)), payload()))
                        : Optional.empty();
        return new SharedCommand.Drained(key, generation, version, kind, fate, correction, ttl(), writeId);
    }

    /** Records of one shard that are told drained together; a key may be among them twice. */
    List<SharedCommand.Drained> drainedTogether() {
        int shard = key().shard();
        List<SharedCommand.Drained> commands = new ArrayList<>();
        int some = random.nextInt(40) == 0 ? 200 : 1 + random.nextInt(5);
        for (int left = some; left > 0; ) {
            ShardKey key = key();
            if (key.shard() == shard) {
                commands.add(drained(key, generations.get(shard)));
                left--;
            }
        }
        return commands;
    }

    /** Commands for a key whose queued record has just been deleted by a stranger. */
    List<SharedCommand<?>> afterDeletionOf(ShardKey key) {
        long lease = ids++;
        Generation generation = generations.get(key.shard());
        return switch (random.nextInt(3)) {
            case 0 -> List.of(drained(key, generation, new Version(2), EntryKind.VALUE, 2));
            case 1 ->
                List.of(new SharedCommand.WriteBack(
                        key,
                        generation,
                        EntryKind.VALUE,
                        payload(),
                        ids++,
                        Condition.NONE,
                        Optional.of(Version.ABSENT),
                        QueueLimit.entries(1_000),
                        Version.ABSENT));
            default -> List.of(restore(key, lease, false), restore(key, lease, true));
        };
    }

    private SharedCommand<?> restore(ShardKey key) {
        boolean isAsked = random.nextBoolean();
        long lease = isAsked ? leases.getOrDefault(key, 0L) : ids++;
        leases.put(key, lease);
        return restore(key, lease, isAsked);
    }

    private SharedCommand<?> restore(ShardKey key, long lease, boolean isAsked) {
        boolean delete = random.nextInt(4) == 0;
        Version version = near(key);
        return new SharedCommand.Restore(
                key,
                generations.get(key.shard()),
                delete ? EntryKind.DELETED : EntryKind.VALUE,
                delete ? new byte[0] : payload(),
                ids++,
                version.isUnknown() || version.isAbsent() ? new Version(2) : version,
                lease,
                isAsked);
    }

    private Generation generation(int shard) {
        Generation present = generations.get(shard);
        return random.nextInt(50) == 0 ? new Generation(present.value() % 1_000 + 1) : present;
    }

    /** A version that the key has, or nearly. */
    private Version near(ShardKey key) {
        Optional<InMemoryEntry> entry = entries.apply(key);
        return switch (random.nextInt(8)) {
            case 0 -> Version.ABSENT;
            case 1 -> Version.UNKNOWN;
            case 2 -> new Version(nowMicros | 1);
            default ->
                new Version(Math.max(0, entry.map(InMemoryEntry::version).orElse(nowMicros) + random.nextInt(4) - 1));
        };
    }

    private Version known() {
        return switch (random.nextInt(6)) {
            case 0 -> new Version(nowMicros + random.nextInt(200_000));
            case 1 -> Version.UNKNOWN;
            default -> Version.ABSENT;
        };
    }

    private byte[] payload() {
        byte[] bytes = new byte[random.nextInt(12)];
        random.nextBytes(bytes);
        return bytes;
    }

    private Duration ttl() {
        return Duration.ofMinutes(1 + random.nextInt(600));
    }
}
