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
 * What one session wrote and saw: for each shard the position below which it must not be served, and the versions of the last keys that it wrote
 * or was shown by the primary. Thread-safe.
 *
 * <p>Source: the session guarantees of Terry et al., "Session Guarantees for Weakly Consistent Replicated Data", PDIS 1994; keys first and
 * watermarks as the coarser overflow as in Shi et al., "FlightTracker", OSDI 2020.
 *
 * <h2>Invariant</h2>
 * Whatever the session was shown is covered by its shard's position, or its key is remembered as beside: the shared replica may not know of it
 * yet (its writer has committed and not told, the replica was away). A replica serves such a key only with that version or a newer one; whether
 * a row comes after its absence, or absence after the row, no version tells, and without a version column none tells anything.
 *
 * <h2>Bounds</h2>
 * {@link #KEYS} keys, {@link #FLOORS} shards. A key that falls out leaves the position of its shard, which is coarser and still
 * safe. A key beside that falls out makes the session direct, for the time that its caller gives: it is not served by replicas. A shard that falls
 * out makes the session strict: it is not served by near replicas any more.
 *
 * <h2>Forged tokens</h2>
 * A position or version that was never given only keeps replicas from serving the owner. Who orders a write after a version takes
 * it as known only up to 100 ms ahead of his own clock, so that it moves no clock by more.
 */
public final class SessionState {
    static final int KEYS = 48;
    static final int FLOORS = 96;
    /** Characters of a token: leaves room for a cookie's name and attributes in the 4096 bytes that a browser keeps. */
    static final int MAXIMUM_TOKEN = 3_800;

    private static final int FORMAT = 2;

    private final Map<Long, Seen> keys = new LinkedHashMap<>();
    private final Map<Long, Position> floors = new LinkedHashMap<>();
    private boolean strict;
    private long directUntil;

    /** What is remembered of a key. Immutable. */
    private record Seen(Version version, boolean isBeside) {
        /** Whether a replica that has what the session's position covers may show that version. */
        boolean allows(Version shown) {
            if (isBeside && (version.isAbsent() || shown.isAbsent() || shown.equals(Version.UNVERSIONED))) {
                return version.isAbsent() && shown.isAbsent();
            }
            // The position alone tells whether an absence is as new as the session.
            return shown.isAbsent() || shown.compareTo(version) >= 0;
        }
    }

    /** A session that has seen nothing. */
    public SessionState() {}

    /**
     * The session wrote a row: its reads of the key begin at that version, those of the shard at that position.
     *
     * @param position {@link Position#NONE} if the shared replica was not told
     * @param until see {@link #shown}
     */
    synchronized void wrote(String cache, String key, int shard, Version version, Position position, long until) {
        remember(hash(cache, key), new Seen(version, isNone(position)), until);
        saw(cache, shard, position);
    }

    /** The session deleted a row: from here on "no such row" is an answer, if it is as new as that position. */
    synchronized void deleted(String cache, String key, int shard, Position position, long until) {
        if (isNone(position)) {
            remember(hash(cache, key), new Seen(Version.ABSENT, true), until);
        } else {
            keys.remove(hash(cache, key));
            saw(cache, shard, position);
        }
    }

    /**
     * The session was shown a row, or that there is none, by the primary: the positions of the shared replica do not cover it.
     *
     * @param until when at the latest the replicas have it too, in microseconds since 1970
     */
    synchronized void shown(String cache, String key, Version version, long until) {
        long id = hash(cache, key);
        Seen before = keys.get(id);
        // Of two calls at a time the one that read first may come last.
        Version known = before == null ? Version.ABSENT : before.version();
        boolean isOvertaken = !version.isAbsent() && known.isAfter(version);
        remember(id, new Seen(isOvertaken ? known : version, true), until);
    }

    private void remember(long id, Seen seen, long until) {
        keys.remove(id);
        keys.put(id, seen);
        if (keys.size() > KEYS) {
            Iterator<Seen> oldest = keys.values().iterator();
            if (oldest.next().isBeside()) {
                directUntil = Math.max(directUntil, until);
            }
            oldest.remove();
        }
    }

    private static boolean isNone(Position position) {
        return position.generation().equals(Generation.NONE);
    }

    /** The session was served at that position, or wrote there. */
    synchronized void saw(String cache, int shard, Position position) {
        if (isNone(position)) {
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

    /** The shard begins anew at that position: what the session saw in another generation was restored before, or is lost. */
    synchronized void rebase(String cache, int shard, Position position) {
        floors.computeIfPresent(
                hash(cache, Integer.toString(shard)),
                (id, floor) -> floor.generation().equals(position.generation()) ? floor : position);
    }

    /**
     * Whether the session may be shown that version by a replica; takes note of it if so.
     *
     * @param applied what the replica certainly had when it was asked
     * @param covering a position that covers the answer, {@link Position#NONE} if none is known
     * @param until see {@link #shown}
     */
    synchronized boolean accepts(
            String cache, String key, int shard, Version version, Position applied, Position covering, long until) {
        Position floor = floors.get(hash(cache, Integer.toString(shard)));
        if (floor != null && !applied.covers(floor)) {
            return false;
        }
        long id = hash(cache, key);
        Seen seen = keys.get(id);
        if (seen != null && !seen.allows(version)) {
            return false;
        }
        if (isNone(covering)) {
            shown(cache, key, version, until);
            return true;
        }
        saw(cache, shard, covering);
        if (seen != null && version.isAbsent()) {
            keys.remove(id);
        } else if (seen != null) {
            keys.put(id, new Seen(version, false));
        }
        return true;
    }

    /** Whether near replicas may not serve the session: a position that they would have to have is not known any more. */
    synchronized boolean isStrict() {
        return strict;
    }

    /** Whether no replica may serve the session. */
    synchronized boolean isDirect(long nowMicros) {
        return nowMicros < directUntil;
    }

    /** The version that the session wrote or was shown, for ordering its next write after it; absent if it is not known. Maybe forged. */
    synchronized Version known(String cache, String key) {
        Seen seen = keys.get(hash(cache, key));
        return seen == null ? Version.ABSENT : seen.version();
    }

    /** Compact text, for a cookie or header: at most {@value #MAXIMUM_TOKEN} characters, URL-safe. */
    public synchronized String token() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(FORMAT);
        out.write(strict ? 1 : 0);
        varint(out, directUntil);
        varint(out, keys.size());
        keys.forEach((id, seen) -> {
            fixed(out, id);
            varint(out, seen.version().value() << 1 | (seen.isBeside() ? 1 : 0));
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
            state.directUntil = varint();
            long keyCount = bounded(KEYS);
            for (long i = 0; i < keyCount; i++) {
                long id = fixed();
                long seen = varint();
                state.keys.put(id, new Seen(new Version(seen >>> 1), (seen & 1) == 1));
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
