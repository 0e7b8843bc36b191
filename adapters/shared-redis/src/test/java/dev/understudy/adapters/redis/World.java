package dev.understudy.adapters.redis;

import dev.understudy.spi.SharedEntry;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * Everything that the processes of one schedule share: the shard on Redis, the model of the primary, a near replica, the
 * history, the clock and the source of chance. Not thread-safe.
 */
final class World {
    /** By how much OPEN puts a new shard's clock ahead; the first processes come when it is caught up with. */
    static final long SKEW_MICROS = 200_000;

    static final long MARKER_MICROS = 10_000_000;
    static final long LEASE_MICROS = 2_000_000;
    static final long TTL_MILLIS = 60_000;
    /** For how long instances can restore what they wrote. */
    static final long WINDOW_MICROS = 60_000_000;

    /** An acknowledged write-back as its instance remembers it. */
    record Remembered(History.Operation operation, long writeId, long version, long at) {}

    /** A reply and the generation that the script expected. */
    record Opened(Reply reply, long generation) {}

    final Configuration configuration;
    final SplittableRandom random;
    final ScriptedShard shard;
    final ModelPrimary primary;
    final ModelNear near = new ModelNear();
    final History history = new History();
    final List<Remembered> remembered = new ArrayList<>();
    final List<String> keys;
    long now = 1_000_000_000_000_000L;
    long generation;
    long era = 1;
    /** The fencing epoch of the newest drainer. */
    int epoch;
    /** How often Redis lost memory. */
    int faults;
    /** Write-backs that a script counted as acknowledged, as far as Redis kept its memory. */
    long acked;

    private long ids;
    private final @Nullable List<String> trace;

    World(ScriptedShard shard, Configuration configuration, long seed, @Nullable List<String> trace) {
        this.shard = shard;
        this.configuration = configuration;
        this.random = new SplittableRandom(seed);
        this.trace = trace;
        this.keys = List.of("a", "b").subList(0, configuration.keys());
        this.primary = new ModelPrimary(
                !configuration.has(Configuration.Trait.UNVERSIONED),
                configuration.has(Configuration.Trait.TRIGGER),
                configuration.keeps(Protection.DRAIN_TOMBSTONES));
        shard.flush(List.of("a", "b"));
        while (shard.takeAnnouncement() != null) {
            // what an earlier schedule left
        }
        open();
        now += SKEW_MICROS;
    }

    long id() {
        return ++ids;
    }

    boolean chance(double probability) {
        return random.nextDouble() < probability;
    }

    <T> T any(List<T> choices) {
        return choices.get(random.nextInt(choices.size()));
    }

    void say(Object... words) {
        if (trace != null) {
            StringBuilder line = new StringBuilder().append(now % 1_000_000_000).append(' ');
            for (Object word : words) {
                line.append(' ').append(word instanceof Object[] several ? List.of(several) : word);
            }
            trace.add(line.toString());
        }
    }

    /** One call that expects that generation; the near replica hears what it announced. */
    Reply call(Scripts.Script script, String key, long expected, Object... arguments) {
        Reply reply = shard.call(script.name(), key, now, expected, arguments);
        say(script.name(), key, arguments, "->", reply);
        for (String text = shard.takeAnnouncement(); text != null; text = shard.takeAnnouncement()) {
            near.hear(text);
        }
        return reply;
    }

    /** OPEN: what an instance does on a new connection, and when told that the generation is another. */
    void open() {
        generation = call(Scripts.OPEN, "", id() + 100, era).number(1);
    }

    /** Calls under the newest generation, which it learns first if need be. */
    Opened openCall(Scripts.Script script, String key, Object... arguments) {
        while (true) {
            long expected = generation;
            Reply reply = call(script, key, expected, arguments);
            if (!reply.is("GEN")) {
                return new Opened(reply, expected);
            }
            open();
        }
    }

    /** The entry if it answers a read without asking a script. */
    @Nullable
    SharedEntry fresh(byte @Nullable [] raw) {
        if (raw == null) {
            return null;
        }
        SharedEntry entry = EntryLayout.decode(raw);
        boolean answers = entry.generation().value() == generation
                && entry.kind().isKnown()
                && (entry.pending() || !entry.isSuspect(now));
        return answers ? entry : null;
    }
}
