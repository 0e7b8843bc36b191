package dev.understudy.engine;

import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.Position;
import dev.understudy.model.Version;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What one session wrote and saw: a version for each of the last keys that it wrote, and for each shard the position below which it must not
 * be served. Thread-safe.
 *
 * <p>Source: the session guarantees of Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", PDIS 1994; keys first and
 * watermarks as the coarser overflow as in Shi et al., "FlightTracker", OSDI 2020.
 *
 * <h2>Bounds</h2>
 * {@link #KEYS} keys, {@link #FLOORS} shards. A key that falls out leaves the position of its shard, which is coarser and still
 * safe. A shard that falls out makes the session strict: it is not served by near replicas any more.
 *
 * <h2>Forged tokens</h2>
 * A position or version that was never given only keeps the near replica from serving the owner; a version from the future is not
 * passed on to the shared replica's clock.
 */
public final class SessionState {
    static final int KEYS = 48;
    static final int FLOORS = 96;
    /** Characters of a token: leaves room for a cookie's name and attributes in the 4096 bytes that a browser keeps. */
    static final int MAXIMUM_TOKEN = 3_800;

    private static final int FORMAT = 1;
    /** How far a version may lie ahead of this instance's clock to be passed on. */
    private static final long AHEAD_MICROS = 60_000_000;

    private final Map<Long, Version> keys = new LinkedHashMap<>();
    private final Map<Long, Position> floors = new LinkedHashMap<>();
    private boolean strict;

    /** A session that has seen nothing. */
    public SessionState() {}

    /** The session wrote a row: its near reads of the key begin at that version, those of the shard at that position. */
    synchronized void wrote(String cache, String key, int shard, Version version, Position position) {
        long id = hash(cache, key);
        keys.remove(id);
        keys.put(id, version);
        if (keys.size() > KEYS) {
            Iterator<Long> oldest = keys.keySet().iterator();
            oldest.next();
            oldest.remove();
        }
        saw(cache, shard, position);
    }

    /** The session deleted a row: from here on "no such row" is an answer, if it is as new as that position. */
    synchronized void deleted(String cache, String key, int shard, Position position) {
        keys.remove(hash(cache, key));
        saw(cache, shard, position);
    }

    /** The session was served at that position, or wrote there. */
    synchronized void saw(String cache, int shard, Position position) {
        if (position.generation().equals(Generation.NONE)) {
            return;
        }
        long id = hash(cache, Integer.toString(shard));
        Position before = floors.get(id);
        boolean isNewer = before == null || !before.covers(position);
        if (isNewer) {
            floors.put(id, position);
        }
        if (floors.size() > FLOORS) {
            floors.clear();
            strict = true;
        }
    }

    /** Whether a near entry of the key with that version, in a replica that has applied the position, may serve. */
    synchronized boolean isSatisfied(String cache, String key, int shard, Version version, Position applied) {
        if (strict) {
            return false;
        }
        Position floor = floors.get(hash(cache, Integer.toString(shard)));
        if (floor != null && !applied.covers(floor)) {
            return false;
        }
        Version written = keys.get(hash(cache, key));
        // Absent rows have no version: the position alone tells whether the absence is as new as the session.
        return written == null || version.isAbsent() || version.compareTo(written) >= 0;
    }

    /** Whether the shared replica at that position holds everything the session saw of the shard. */
    synchronized boolean isCovered(String cache, int shard, Position position) {
        Position floor = floors.get(hash(cache, Integer.toString(shard)));
        return floor == null || position.covers(floor);
    }

    /** The version that the session wrote, for ordering its next write after it; absent if it is not known or not credible. */
    synchronized Version known(String cache, String key, long nowMicros) {
        Version written = keys.getOrDefault(hash(cache, key), Version.ABSENT);
        return written.value() > nowMicros + AHEAD_MICROS ? Version.ABSENT : written;
    }

    /** Compact text, for a cookie or header: at most {@value #MAXIMUM_TOKEN} characters, URL-safe. */
    public synchronized String token() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(FORMAT);
        out.write(strict ? 1 : 0);
        varint(out, keys.size());
        keys.forEach((id, version) -> {
            fixed(out, id);
            varint(out, version.value());
        });
        varint(out, floors.size());
        floors.forEach((id, position) -> {
            fixed(out, id);
            varint(out, position.generation().value());
            varint(out, position.value());
        });
        return Base64.getUrlEncoder().withoutPadding().encodeToString(out.toByteArray());
    }

    /**
     * The session of a token.
     *
     * @throws Invalid if the text is not a token
     */
    public static SessionState resume(String token) {
        if (token.length() > MAXIMUM_TOKEN) {
            throw new Invalid("a session token of " + token.length() + " characters is over " + MAXIMUM_TOKEN);
        }
        try {
            return new Reader(Base64.getUrlDecoder().decode(token)).read();
        } catch (IllegalArgumentException | IndexOutOfBoundsException | Invalid e) {
            throw new Invalid("the text is not a session token");
        }
    }

    private static final class Reader {
        private final byte[] bytes;
        private int at;

        Reader(byte[] bytes) {
            this.bytes = bytes;
        }

        SessionState read() {
            SessionState state = new SessionState();
            if (bytes[at++] != FORMAT) {
                throw new IllegalArgumentException("another format");
            }
            state.strict = bytes[at++] != 0;
            long keyCount = bounded(KEYS);
            for (long i = 0; i < keyCount; i++) {
                long id = fixed();
                state.keys.put(id, new Version(varint()));
            }
            long floorCount = bounded(FLOORS);
            for (long i = 0; i < floorCount; i++) {
                long id = fixed();
                Generation generation = new Generation(varint());
                state.floors.put(id, new Position(generation, varint()));
            }
            if (at != bytes.length) {
                throw new IllegalArgumentException("more than a token");
            }
            return state;
        }

        private long bounded(long most) {
            long count = varint();
            if (count < 0 || count > most) {
                throw new IllegalArgumentException("too many entries");
            }
            return count;
        }

        private long fixed() {
            long value = 0;
            for (int i = 0; i < 8; i++) {
                value = (value << 8) | (bytes[at++] & 0xff);
            }
            return value;
        }

        private long varint() {
            long value = 0;
            for (int shift = 0; shift < 64; shift += 7) {
                byte b = bytes[at++];
                value |= (long) (b & 0x7f) << shift;
                if (b >= 0) {
                    return value;
                }
            }
            throw new IllegalArgumentException("a number is too long");
        }
    }

    private static void varint(ByteArrayOutputStream out, long value) {
        long rest = value;
        while ((rest & ~0x7fL) != 0) {
            out.write((int) (rest & 0x7f) | 0x80);
            rest >>>= 7;
        }
        out.write((int) rest);
    }

    private static void fixed(ByteArrayOutputStream out, long value) {
        for (int shift = 56; shift >= 0; shift -= 8) {
            out.write((int) (value >>> shift));
        }
    }

    /** FNV-1a, 64 bits (Fowler, Noll, Vo). A collision only makes the session stricter than it need be. */
    private static long hash(String cache, String key) {
        long h = 0xcbf29ce484222325L;
        for (byte b : (cache + '\n' + key).getBytes(StandardCharsets.UTF_8)) {
            h = (h ^ (b & 0xff)) * 0x100000001b3L;
        }
        return h;
    }
}
