package dev.understudy.spi;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The data of one shard and the words that its scripts are made of: a twin of {@code prelude.lua} and {@code entry.lua},
 * names included. {@link InMemoryScripts} holds the scripts. Not thread-safe; the server's lock guards it.
 */
final class InMemoryShard {
    private static final long SKEW = 200_000;

    private static final long AHEAD = 20_000;
    static final long MAXV = Version.UNKNOWN.value();
    static final int V = EntryKind.VALUE.code();
    static final int N = EntryKind.ABSENT.code();
    static final int T = EntryKind.DELETED.code();
    static final int L = EntryKind.PLACEHOLDER.code();
    static final int X = EntryKind.FORGOTTEN.code();
    private static final byte[] EMPTY = {};

    final int number;
    private final LongSupplier clockMicros;
    private Map<String, InMemoryEntry> entries = new HashMap<>();
    private InMemoryQueue queue = new InMemoryQueue();
    private @Nullable InMemoryMeta meta;

    /** What the running script published. */
    private final List<Published> published = new ArrayList<>();

    /** An announcement; {@code key} null: the whole shard. */
    record Published(@Nullable ShardKey key, Position position, long version, int flags) {
        void tell(AnnouncementListener listener) {
            if (key == null) {
                listener.interrupted();
            } else {
                listener.announced(new Announcement(key, position, new Version(version), flags >= 8));
            }
        }
    }

    InMemoryShard(int number, LongSupplier clockMicros) {
        this.number = number;
        this.clockMicros = clockMicros;
    }

    /** An entry while a script works on it; fields as in {@code entry.lua}. */
    static final class Work {
        int kind = L;
        boolean dirty;
        boolean own;
        long ver;
        long wid;
        int pc;
        long pd;
        long ft;
        long a;
        long b;
        byte[] payload = EMPTY;

        boolean has() {
            return kind <= T;
        }
    }

    /** The state of a running script. */
    final class Run {
        final @Nullable ShardKey key;
        final long now;
        final InMemoryMeta m;
        /** Bytes of the pending payload that the meta counts for the entry. */
        int size;

        /** Begins a script that expects a generation. */
        Run(@Nullable ShardKey key, Generation expected) {
            this.key = key;
            now = clockMicros.getAsLong();
            InMemoryMeta stored = meta;
            if (stored == null || stored.generation != expected.value()) {
                throw new GenerationChanged(number);
            }
            m = stored.copy();
        }

        ShardKey key() {
            if (key == null) {
                throw new IllegalStateException("a script without a key touched an entry");
            }
            return key;
        }

        @Nullable
        Work load() {
            InMemoryEntry stored = get(key().text());
            if (stored == null || (stored.generation() != m.generation && !stored.dirty())) {
                return null;
            }
            Work e = new Work();
            size = stored.dirty() ? stored.payload().length : 0;
            e.kind = stored.kind().code();
            e.dirty = stored.dirty();
            e.own = stored.own();
            e.ver = stored.version();
            e.wid = stored.writeId();
            e.pc = stored.markers();
            if (stored.generation() == m.generation) {
                e.pd = stored.markerDeadline();
                e.ft = stored.forgottenAt();
            }
            e.a = stored.first();
            e.b = stored.generation() == m.generation ? stored.second() : MAXV;
            e.payload = stored.payload();
            return e;
        }

        Work loadOrBlank() {
            Work e = load();
            return e == null ? new Work() : e;
        }

        void save(Work e) {
            save(e, InMemoryEntry.FOREVER);
        }

        void save(Work e, long millis) {
            count(e.dirty ? e.payload.length : 0);
            boolean secondBlock = e.dirty || e.a > 0 || e.ft > 0;
            boolean expires = millis != InMemoryEntry.FOREVER && !e.dirty && e.pc == 0;
            entries.put(
                    key().text(),
                    new InMemoryEntry(
                            EntryKind.ofCode(e.kind),
                            e.dirty,
                            e.dirty && e.own,
                            m.generation,
                            e.ver,
                            e.wid,
                            e.pc,
                            e.pd,
                            e.ft,
                            secondBlock ? e.a : 0,
                            secondBlock ? e.b : 0,
                            e.payload,
                            expires ? millis : InMemoryEntry.FOREVER,
                            expires ? clockMicros.getAsLong() / 1000 + millis : InMemoryEntry.FOREVER));
        }

        private void count(int after) {
            m.bytes = Math.max(0, m.bytes + after - size);
            size = after;
        }

        void delete() {
            entries.remove(key().text());
        }

        void putMeta() {
            meta = m.copy();
        }

        boolean marked(Work e) {
            return e.pc > 0 && e.pd >= now;
        }

        boolean suspect(Work e) {
            return e.pc > 0 && e.pd < now;
        }

        long allocate(long floor) {
            long v = Math.max(Math.max(m.clock + 1, floor + 1), now);
            m.clock = v + v % 2;
            return m.clock;
        }

        long credible(Version known) {
            return known.isUnknown() ? 0 : Math.min(known.value(), now + 100_000);
        }

        boolean observe(long version) {
            if (version > m.clock && version < MAXV) {
                m.clock = version;
                return true;
            }
            return false;
        }

        void coalesce(Work e) {
            m.acked++;
            if (e.own || m.hollow == 0) {
                m.superseded++;
            } else {
                m.hollow--;
            }
        }

        Position announce(long version, int flags) {
            m.position++;
            putMeta();
            published.add(new Published(key(), position(), version, flags));
            return position();
        }

        void grant(Work e, long id, long micros) {
            boolean distrust = suspect(e);
            if (distrust) {
                e.kind = L;
                e.payload = EMPTY;
                e.pc = 0;
                e.pd = 0;
            }
            e.a = id;
            e.b = now + micros;
            save(e, micros / 1000 + 1000);
            if (distrust) {
                announce(MAXV, X);
            }
        }

        Position forget(@Nullable Work e) {
            if (e != null && marked(e)) {
                Work x = new Work();
                x.kind = X;
                x.ver = e.ver;
                x.pc = e.pc;
                x.pd = e.pd;
                x.ft = now;
                save(x);
            } else if (e != null) {
                delete();
                count(0);
            }
            return announce(MAXV, X);
        }

        Position position() {
            return new Position(new Generation(m.generation), m.position);
        }

        InMemoryQueue queue() {
            return queue;
        }
    }

    /** OPEN. */
    ShardPosition open(long candidate, long era) {
        long now = clockMicros.getAsLong();
        InMemoryMeta m = meta;
        if (m == null || m.era != era) {
            long generation = candidate;
            if (m != null) {
                generation = candidate == m.generation ? candidate % 4_294_967_295L + 1 : candidate;
                m = m.copy();
                m.clock = Math.max(m.clock + AHEAD, now + SKEW);
            } else {
                m = new InMemoryMeta();
                m.clock = now + SKEW;
                m.acked = queue.size();
            }
            m.generation = generation;
            m.era = era;
            m.position = 0;
            meta = m;
            published.add(new Published(null, new Position(new Generation(generation), 0), MAXV, 0));
        }
        return new ShardPosition(number, position());
    }

    /** DISTRUST. */
    ShardPosition distrust(Generation expected, long candidate) {
        InMemoryMeta m = meta;
        if (m == null || m.generation != expected.value()) {
            throw new GenerationChanged(number);
        }
        m = m.copy();
        m.generation = candidate == m.generation ? candidate % 4_294_967_295L + 1 : candidate;
        m.position = 0;
        meta = m;
        published.add(new Published(null, new Position(new Generation(m.generation), 0), MAXV, 0));
        return new ShardPosition(number, position());
    }

    /** STATUS. */
    ShardStatus status(Generation expected) {
        InMemoryMeta m = meta;
        if (m == null || m.generation != expected.value()) {
            throw new GenerationChanged(number);
        }
        long oldest = queue.oldest();
        return new ShardStatus(
                position(),
                m.acked,
                m.applied,
                m.superseded,
                m.dead,
                m.lost,
                m.hollow,
                queue.size(),
                oldest == 0
                        ? Duration.ZERO
                        : Duration.of(Math.max(0, clockMicros.getAsLong() - oldest), ChronoUnit.MICROS),
                m.bytes);
    }

    /** The stored record, unless it has expired. */
    @Nullable
    InMemoryEntry get(String key) {
        InMemoryEntry entry = entries.get(key);
        if (entry != null && clockMicros.getAsLong() / 1000 > entry.expiresMillis()) {
            entries.remove(key);
            return null;
        }
        return entry;
    }

    Position position() {
        InMemoryMeta m = meta;
        return m == null ? Position.NONE : new Position(new Generation(m.generation), m.position);
    }

    @Nullable
    InMemoryMeta meta() {
        return meta;
    }

    InMemoryQueue queue() {
        return queue;
    }

    Map<String, InMemoryEntry> entries() {
        return entries;
    }

    List<Published> takePublished() {
        List<Published> taken = List.copyOf(published);
        published.clear();
        return taken;
    }

    void clear() {
        entries = new HashMap<>();
        queue = new InMemoryQueue();
        meta = null;
    }

    InMemoryShard copy() {
        InMemoryShard copy = new InMemoryShard(number, clockMicros);
        copy.become(this);
        return copy;
    }

    void become(InMemoryShard other) {
        entries = new HashMap<>(other.entries);
        queue = other.queue.copy();
        InMemoryMeta m = other.meta;
        meta = m == null ? null : m.copy();
    }
}
