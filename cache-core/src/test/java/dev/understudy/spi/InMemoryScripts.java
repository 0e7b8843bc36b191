package dev.understudy.spi;

import static dev.understudy.spi.InMemoryShard.L;
import static dev.understudy.spi.InMemoryShard.MAXV;
import static dev.understudy.spi.InMemoryShard.N;
import static dev.understudy.spi.InMemoryShard.T;
import static dev.understudy.spi.InMemoryShard.V;
import static dev.understudy.spi.InMemoryShard.X;

import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.InMemoryShard.Run;
import dev.understudy.spi.InMemoryShard.Work;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The scripts, as methods on a shard: each a line by line twin of the {@code .lua} file of its name, held to it by the
 * differential test of the Redis adapter. Not thread-safe; the server's lock guards them.
 */
final class InMemoryScripts {
    private static final byte[] EMPTY = {};
    /** How long the lease of a write-back or a restore holds that needs a look at the primary. */
    private static final long LOOKING_MICROS = 2_000_000;

    private InMemoryScripts() {}

    static Prepared prepare(InMemoryShard shard, SharedCommand.Prepare c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.loadOrBlank();
        boolean distrust = run.suspect(e) && !e.dirty;
        if (distrust) {
            e.kind = L;
            e.payload = EMPTY;
            e.pc = 0;
        }
        long version = run.allocate(Math.max(e.ver, run.credible(c.known())));
        long deadline = run.now + micros(c.marker());
        e.pc = Math.min(e.pc + 1, 65_535);
        e.pd = Math.max(e.pd, deadline);
        if (!e.dirty) {
            e.a = 0;
            e.b = 0;
        }
        run.save(e);
        if (distrust) {
            run.announce(MAXV, X);
        } else {
            run.putMeta();
        }
        return new Prepared(
                new Version(version),
                deadline,
                run.now,
                e.dirty ? EntryKind.ofCode(e.kind) : EntryKind.PLACEHOLDER,
                e.dirty ? new Version(e.ver) : Version.ABSENT);
    }

    static Renewed renew(InMemoryShard shard, SharedCommand.Renew c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.load();
        if (e == null || !run.marked(e) || c.deadlineMicros() < run.now) {
            return new Renewed(false, 0);
        }
        long deadline = run.now + micros(c.marker());
        e.pd = Math.max(e.pd, deadline);
        run.save(e);
        return new Renewed(true, deadline);
    }

    static ApplyReply apply(InMemoryShard shard, SharedCommand.Apply c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.load();
        long version = c.version().value();
        long deadline = c.prepared().map(Prepared::deadlineMicros).orElse(0L);
        long preparedAt = c.prepared().map(Prepared::preparedMicros).orElse(0L);
        long ttl = millis(c.timeToLive());
        boolean late = deadline < run.now;
        if (e != null && !late && e.pc > 0) {
            e.pc--;
            if (e.pc == 0) {
                e.pd = 0;
            }
        }
        if (c.change() == SharedCommand.AppliedChange.ABORTED) {
            if (e != null && !late) {
                if (!e.has() && e.pc == 0 && e.a == 0) {
                    run.delete();
                } else {
                    run.save(e, ttl);
                }
            }
            return new ApplyReply(ApplyReply.Result.ABORTED, run.position());
        }
        run.observe(version);
        boolean deleted = c.change() == SharedCommand.AppliedChange.DELETED;
        if (e != null && e.dirty) {
            return applyOverPending(run, e, c, deleted);
        }
        if (deleted || c.forgets()) {
            return new ApplyReply(ApplyReply.Result.DELETED, run.forget(e));
        }
        if (e == null || late || e.kind == X || preparedAt <= e.ft || (e.kind == T && version < e.ver)) {
            return new ApplyReply(ApplyReply.Result.SKIPPED, run.forget(e));
        }
        if (version > e.ver) {
            e.kind = V;
            e.ver = version;
            e.payload = c.payload();
            e.wid = c.writeId();
            e.a = 0;
            e.b = 0;
            run.save(e, ttl);
            return new ApplyReply(ApplyReply.Result.APPLIED, run.announce(version, V));
        }
        run.save(e, ttl);
        run.putMeta();
        return new ApplyReply(ApplyReply.Result.OLDER, run.position());
    }

    private static ApplyReply applyOverPending(Run run, Work e, SharedCommand.Apply c, boolean deleted) {
        long version = c.version().value();
        if (deleted && version <= e.ver) {
            e.b = MAXV;
            e.ft = run.now;
            run.save(e);
            run.putMeta();
            return new ApplyReply(ApplyReply.Result.OLDER, run.position());
        }
        if (deleted || version > e.ver) {
            if (e.own) {
                run.m.superseded++;
                run.m.hollow++;
                e.own = false;
            }
            if (deleted) {
                e.kind = T;
                e.ver = run.allocate(e.ver);
                e.payload = EMPTY;
                e.wid = 0;
                e.ft = run.now;
                run.save(e);
                return new ApplyReply(ApplyReply.Result.DELETED, run.announce(MAXV, T + 8));
            }
            e.kind = V;
            e.ver = version;
            e.payload = c.payload();
            e.wid = c.writeId();
            run.save(e);
            return new ApplyReply(ApplyReply.Result.SUPERSEDED, run.announce(version, V + 8));
        }
        if (e.kind == T) {
            e.wid = c.writeId();
        }
        run.save(e);
        run.putMeta();
        return new ApplyReply(ApplyReply.Result.OLDER, run.position());
    }

    static LeaseReply lease(InMemoryShard shard, SharedCommand.Lease c) {
        Run run = shard.new Run(c.key(), c.generation());
        InMemoryEntry raw = shard.get(c.key().text());
        Work e = run.load();
        if (raw != null && e != null && (e.dirty || (e.has() && !run.suspect(e)))) {
            return new LeaseReply.Hit(raw.read());
        }
        if (e != null && e.a > 0 && e.b > run.now) {
            return new LeaseReply.Wait(Duration.of(e.b - run.now, ChronoUnit.MICROS));
        }
        run.grant(e == null ? new Work() : e, c.leaseId(), micros(c.duration()));
        return new LeaseReply.Granted();
    }

    static FillReply fill(InMemoryShard shard, SharedCommand.Fill c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.load();
        if (run.observe(c.version().value())) {
            run.putMeta();
        }
        if (e == null || e.dirty || e.a != c.leaseId() || e.b < run.now) {
            return FillReply.LOST;
        }
        e.kind = c.kind().code();
        e.payload = c.payload();
        e.a = 0;
        e.b = 0;
        e.wid = 0;
        if (e.kind == V) {
            e.ver = c.version().value();
        }
        run.save(e, millis(c.timeToLive()));
        if (e.pc > 0) {
            run.announce(e.kind == V && e.ver > 1 ? e.ver : MAXV, e.kind);
        }
        return FillReply.FILLED;
    }

    static WriteBackReply writeBack(InMemoryShard shard, SharedCommand.WriteBack c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.loadOrBlank();
        if (e.wid == c.writeId()) {
            return new WriteBackReply.Accepted(new Version(e.ver), run.position(), true);
        }
        long condition = c.condition().code();
        long base = c.base().map(Version::value).orElse(-1L);
        if (condition != -1 && run.marked(e)) {
            return new WriteBackReply.Marked(Duration.of(e.pd - run.now, ChronoUnit.MICROS));
        }
        boolean known = e.has() && !run.suspect(e) && (condition == -1 || !e.dirty || e.b <= e.ver);
        if (!known) {
            boolean judged = condition != -1 && !e.dirty;
            if (base == -1 || (judged && base < MAXV && (e.a != c.writeId() || e.b < run.now))) {
                if (judged) {
                    run.grant(e, c.writeId(), LOOKING_MICROS);
                }
                return new WriteBackReply.Cold();
            }
        }
        run.observe(base);
        long current = base;
        if (known || (e.dirty && e.ver > base)) {
            current = e.kind == V ? e.ver : 0;
        }
        Version conflict = conflict(condition, current);
        if (conflict != null) {
            if (!known && !e.dirty && base < MAXV) {
                run.delete();
            }
            return new WriteBackReply.Refused(conflict);
        }
        if (e.dirty && e.kind == V && c.kind() == EntryKind.VALUE && isForeign(e, c)) {
            return new WriteBackReply.Foreign(new Version(e.ver));
        }
        int grows = c.payload().length - run.size;
        if (grows > 0 && run.m.bytes > run.size && run.m.bytes > c.limit().bytes() - grows) {
            return new WriteBackReply.Full(QueueLimit.Reached.BYTES);
        }
        long oldest = run.queue().oldest();
        if (oldest > 0 && run.now - oldest > micros(c.limit().age())) {
            return new WriteBackReply.Full(QueueLimit.Reached.AGE);
        }
        if (e.dirty) {
            run.coalesce(e);
        } else {
            if (run.queue().size() >= c.limit().entries()) {
                return new WriteBackReply.Full(QueueLimit.Reached.ENTRIES);
            }
            if (!run.queue().addIfMissing(c.key().text(), run.now)) {
                run.m.lost++;
            }
            run.m.acked++;
            e.dirty = true;
            e.a = current;
            e.b = 0;
        }
        e.own = true;
        e.kind = c.kind().code();
        e.ver = run.allocate(Math.max(e.ver, run.credible(c.known())));
        e.payload = c.payload();
        e.wid = c.writeId();
        run.save(e);
        return new WriteBackReply.Accepted(new Version(e.ver), run.announce(e.ver, e.kind + 8), false);
    }

    /** Rule 23: whether the pending value has other columns, which the new payload does not carry on. */
    private static boolean isForeign(Work e, SharedCommand.WriteBack c) {
        byte[] head = c.carried().map(SharedCommand.Carried::head).orElse(new byte[0]);
        int compared = Math.min(head.length, e.payload.length);
        return !Arrays.equals(head, 0, head.length, e.payload, 0, compared)
                && e.ver != c.carried().orElseThrow().version().value();
    }

    private static @Nullable Version conflict(long condition, long current) {
        if (condition == -1) {
            return null;
        }
        if (current == MAXV) {
            return Version.ABSENT;
        }
        boolean met = condition == -2 ? current > 0 : current == condition;
        return met ? null : new Version(current);
    }

    static List<Pending> peek(InMemoryShard shard, SharedCommand.Peek c) {
        Run run = shard.new Run(null, c.generation());
        List<Pending> due = new ArrayList<>();
        for (String key : run.queue().due(run.now - micros(c.age()), c.limit())) {
            InMemoryEntry entry = shard.get(key);
            if (entry != null) {
                due.add(new Pending(new ShardKey(shard.number, key), entry.read()));
            } else { // a stranger deleted it: the adapter reports it drained, which counts it as lost
                run.queue().remove(key);
                if (run.queue().size() == 0) {
                    run.m.bytes = 0;
                }
                run.m.lost++;
                run.putMeta();
            }
        }
        return due;
    }

    /** Whether a clean entry, or the load that has its lease, may be from before what was written to the primary under that version. */
    private static boolean isOfBefore(Work e, long version) {
        return e.kind == N || (e.kind == L ? e.a > 0 : e.kind != X && e.ver < version);
    }

    static DrainedReply drained(InMemoryShard shard, SharedCommand.Drained c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.load();
        long version = c.version().value();
        if (e == null || !e.dirty) {
            if (e != null && isOfBefore(e, version)) {
                run.forget(e);
            }
            if (run.queue().remove(c.key().text())) {
                if (run.queue().size() == 0) {
                    run.m.bytes = 0;
                }
                run.m.lost++;
                run.putMeta();
            }
            return DrainedReply.GONE;
        }
        if (e.ver < version) {
            return DrainedReply.OLDER;
        }
        Optional<Long> fix =
                c.correction().map(correction -> correction.version().value());
        boolean refused = c.fate() != SharedCommand.Fate.APPLIED;
        if (e.ver > version || e.wid != c.writeId()) {
            long base = c.fate() == SharedCommand.Fate.DEAD
                    ? e.a
                    : refused ? MAXV : fix.orElse(c.kind() == EntryKind.VALUE ? version : 0L);
            if (e.a != base) {
                e.a = base;
                run.save(e);
            }
            if (!refused) {
                run.queue().raise(c.key().text(), Math.min(version, run.now));
            }
            return DrainedReply.AGAIN;
        }
        run.queue().remove(c.key().text());
        if (run.queue().size() == 0) {
            run.m.bytes = run.size;
        }
        if (!e.own && run.m.hollow > 0) {
            run.m.hollow--;
        } else if (c.fate() == SharedCommand.Fate.DEAD) {
            run.m.dead++;
        } else if (refused || !e.own) {
            run.m.superseded++;
        } else {
            run.m.applied++;
        }
        boolean conflict = refused || e.b > fix.orElse(version);
        e.dirty = false;
        e.own = false;
        e.a = 0;
        e.b = 0;
        if (conflict) {
            run.forget(e);
            return DrainedReply.FORGOTTEN;
        }
        if (c.correction().isPresent()) {
            SharedCommand.Correction correction = c.correction().get();
            e.kind = V;
            e.ver = correction.version().value();
            e.payload = correction.payload();
            run.observe(e.ver);
            run.save(e, millis(c.timeToLive()));
            run.announce(MAXV, e.kind);
            return DrainedReply.CLEAN;
        }
        run.save(e, millis(c.timeToLive()));
        run.putMeta();
        return DrainedReply.CLEAN;
    }

    static InvalidateReply invalidate(InMemoryShard shard, SharedCommand.Invalidate c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.load();
        long version = c.version().value();
        run.observe(version);
        if (e != null && e.dirty) {
            if (version != e.ver) {
                e.b = Math.max(e.b, version == 0 ? MAXV : version);
                e.ft = run.now;
                run.save(e);
            }
            run.putMeta();
            return InvalidateReply.PENDING;
        }
        if (version > 0 && e != null && e.kind == V && e.ver >= version) {
            return InvalidateReply.NEWER;
        }
        run.forget(e);
        return InvalidateReply.INVALIDATED;
    }

    static RestoreReply restore(InMemoryShard shard, SharedCommand.Restore c) {
        Run run = shard.new Run(c.key(), c.generation());
        Work e = run.loadOrBlank();
        long version = c.version().value();
        if (e.has() && e.ver >= version) {
            return RestoreReply.NEWER;
        }
        if (!e.dirty && (!c.isAsked() || e.a != c.leaseId() || e.b < run.now)) {
            if (!c.isAsked() && e.b < run.now) {
                run.grant(e, c.leaseId(), LOOKING_MICROS);
            }
            return RestoreReply.COLD;
        }
        run.observe(version);
        if (e.dirty) {
            run.coalesce(e);
        } else {
            if (!run.queue().addIfMissing(c.key().text(), run.now)) {
                run.m.lost++;
            }
            run.m.acked++;
            e.b = MAXV;
            e.dirty = true;
        }
        e.own = true;
        e.a = MAXV;
        e.kind = c.kind().code();
        e.ver = version;
        e.payload = c.payload();
        e.wid = c.writeId();
        run.save(e);
        run.announce(version, e.kind + 8);
        return RestoreReply.RESTORED;
    }

    static ShardStatus lost(InMemoryShard shard, SharedCommand.ReportLost c) {
        Run run = shard.new Run(null, c.generation());
        run.m.acked += c.writes();
        run.m.lost += c.writes();
        run.putMeta();
        return shard.status(c.generation());
    }

    private static long millis(Duration timeToLive) {
        return Math.max(1, timeToLive.toMillis());
    }

    private static long micros(Duration duration) {
        return duration.toNanos() / 1_000;
    }
}
