package dev.understudy.adapters.redis;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.ApplyReply;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.FillReply;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.InvalidateReply;
import dev.understudy.spi.LeaseReply;
import dev.understudy.spi.Pending;
import dev.understudy.spi.Prepared;
import dev.understudy.spi.Renewed;
import dev.understudy.spi.RestoreReply;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.ShardStatus;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedCommand.AppliedChange;
import dev.understudy.spi.SharedCommand.Fate;
import dev.understudy.spi.WriteBackReply;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;

/** The commands of one cache as calls of its scripts: arguments in, replies out, as each script's header says. Immutable, thread-safe. */
final class ScriptCalls {
    private static final Duration LONG = Duration.ofDays(365);
    private static final byte[] NOTHING = {};
    private static final byte[] ONE = {'1'};
    private static final byte[] ZERO = {'0'};
    private static final byte[] MINUS_ONE = {'-', '1'};

    private final Keyspace names;
    private final Injected injected;
    private final Duration timeout;

    ScriptCalls(Keyspace names, Injected injected, Duration timeout) {
        this.names = names;
        this.injected = injected;
        this.timeout = timeout;
    }

    Call<ShardPosition> open(int shard, long era, Consumer<Generation> onOpened) {
        Request request = Request.of(
                Scripts.OPEN,
                names.prefix(shard),
                names.meta(shard),
                names.queue(shard),
                NOTHING,
                names.channel(),
                injected.now(),
                Request.number(injected.candidate()),
                Request.number(injected.era(era)));
        return new Call<>(request, reply -> opened(shard, new Answer(shard, reply), onOpened), timeout);
    }

    Call<ShardPosition> distrust(SharedCommand.Distrust c, Consumer<Generation> onOpened) {
        Request request = Request.of(
                Scripts.DISTRUST,
                names.prefix(c.shard()),
                names.meta(c.shard()),
                names.queue(c.shard()),
                NOTHING,
                names.channel(),
                injected.now(),
                Request.number(c.generation().value()),
                Request.number(injected.candidate()));
        return new Call<>(request, reply -> opened(c.shard(), new Answer(c.shard(), reply), onOpened), timeout);
    }

    private static ShardPosition opened(int shard, Answer answer, Consumer<Generation> onOpened) {
        Position position = new Position(answer.generation(1), answer.number(2));
        onOpened.accept(position.generation());
        return new ShardPosition(shard, position);
    }

    Call<Prepared> prepare(SharedCommand.Prepare c) {
        return keyed(Scripts.PREPARE, c, EntryReading::prepared, micros(c.marker()), known(c.known()));
    }

    Call<Renewed> renew(SharedCommand.Renew c) {
        return keyed(
                Scripts.RENEW,
                c,
                answer -> answer.is("OK") ? new Renewed(true, answer.number(1)) : new Renewed(false, 0),
                micros(c.marker()),
                Request.number(c.deadlineMicros()));
    }

    Call<ApplyReply> apply(SharedCommand.Apply c) {
        byte[] outcome = switch (c.change()) {
            case UPSERTED -> kind(EntryKind.VALUE);
            case DELETED -> kind(EntryKind.DELETED);
            case ABORTED -> new byte[] {'A'};
        };
        return keyed(
                Scripts.APPLY,
                c,
                answer -> new ApplyReply(
                        ApplyReply.Result.valueOf(answer.word().toUpperCase(Locale.ROOT)),
                        new Position(c.generation(), answer.number(1))),
                outcome,
                version(c.version()),
                c.change() == AppliedChange.UPSERTED ? c.payload() : NOTHING,
                millis(c.timeToLive()),
                Request.number(c.prepared().map(Prepared::deadlineMicros).orElse(0L)),
                Request.number(c.prepared().map(Prepared::preparedMicros).orElse(0L)),
                Request.number(c.writeId()),
                c.forgets() ? ONE : ZERO);
    }

    Call<LeaseReply> lease(SharedCommand.Lease c) {
        return keyed(Scripts.LEASE, c, EntryReading::lease, Request.number(c.leaseId()), micros(c.duration()));
    }

    Call<FillReply> fill(SharedCommand.Fill c) {
        return keyed(
                Scripts.FILL,
                c,
                answer -> answer.is("filled") ? FillReply.FILLED : FillReply.LOST,
                Request.number(c.leaseId()),
                kind(c.kind()),
                version(c.version()),
                c.payload(),
                millis(c.timeToLive()));
    }

    Call<WriteBackReply> writeBack(SharedCommand.WriteBack c) {
        return keyed(
                Scripts.WRITEBACK,
                c,
                answer -> EntryReading.writeBack(answer, c.generation()),
                kind(c.kind()),
                c.payload(),
                Request.number(c.writeId()),
                Request.number(c.condition().code()),
                c.base().isPresent() ? version(c.base().get()) : MINUS_ONE,
                Request.number(c.limit().entries()),
                known(c.known()),
                c.carried().map(SharedCommand.Carried::head).orElse(NOTHING),
                c.carried().map(carried -> version(carried.version())).orElse(ZERO),
                c.limit().bytes() == Long.MAX_VALUE
                        ? NOTHING
                        : Request.number(c.limit().bytes()),
                c.limit().age().compareTo(LONG) >= 0
                        ? NOTHING
                        : micros(c.limit().age()));
    }

    /** @param vanished hears how many queued keys had no record any more, before the reply is complete */
    Call<List<Pending>> peek(SharedCommand.Peek c, Consumer<List<ShardKey>> vanished) {
        return ofShard(
                Scripts.PEEK,
                c.shard(),
                c.generation(),
                answer -> {
                    List<Pending> due = new ArrayList<>();
                    List<ShardKey> gone = new ArrayList<>();
                    for (int i = 1; i + 1 < answer.size(); i += 2) {
                        ShardKey key = new ShardKey(c.shard(), answer.text(i));
                        byte[] record = answer.bytes(i + 1);
                        if (record.length == 0) {
                            gone.add(key);
                        } else {
                            due.add(new Pending(key, EntryLayout.decode(record)));
                        }
                    }
                    if (!gone.isEmpty()) {
                        vanished.accept(gone);
                    }
                    return due;
                },
                Request.number(-c.age().toNanos() / 1_000),
                Request.number(c.limit()),
                names.prefix(c.shard()));
    }

    Call<DrainedReply> drained(SharedCommand.Drained c) {
        return keyed(Scripts.DRAINED, c, EntryReading::drained, record(c));
    }

    /** Several of one shard and generation in one step of the server; a failure among the answers is that record's alone. */
    Call<List<String>> drained(int shard, List<SharedCommand.Drained> records) {
        SharedCommand.Drained first = records.get(0);
        List<byte[]> keys = new ArrayList<>(2 + records.size());
        List<byte[]> own = new ArrayList<>();
        for (SharedCommand.Drained c : records) {
            byte[] key = Keyspace.bytes(c.key().text());
            keys.add(names.entry(shard, key));
            if (keys.size() > 1) {
                own.add(key);
            }
            own.addAll(List.of(record(c)));
        }
        keys.add(1, names.meta(shard));
        keys.add(2, names.queue(shard));
        byte[] firstKey = Keyspace.bytes(first.key().text());
        byte[][] arguments = arguments(firstKey, first.generation(), own.toArray(byte[][]::new));
        return new Call<>(
                Request.of(Scripts.DRAINED, keys, arguments),
                reply -> {
                    Answer answer = new Answer(shard, reply);
                    List<String> words = new ArrayList<>(records.size());
                    for (int i = 0; i < records.size(); i++) {
                        words.add(answer.text(i));
                    }
                    return words;
                },
                timeout);
    }

    private static byte[][] record(SharedCommand.Drained c) {
        return new byte[][] {
            version(c.version()),
            kind(c.kind()),
            Request.text(fate(c.fate())),
            millis(c.timeToLive()),
            Request.number(c.writeId()),
            c.correction().map(correction -> version(correction.version())).orElse(NOTHING),
            c.correction().map(SharedCommand.Correction::payload).orElse(NOTHING),
            kind(EntryKind.VALUE)
        };
    }

    Call<InvalidateReply> invalidate(SharedCommand.Invalidate c) {
        return keyed(
                Scripts.INVAL,
                c,
                answer -> switch (answer.word()) {
                    case "inval" -> InvalidateReply.INVALIDATED;
                    case "newer" -> InvalidateReply.NEWER;
                    case "dirty" -> InvalidateReply.PENDING;
                    default -> throw answer.unknown();
                },
                version(c.version()));
    }

    Call<RestoreReply> restore(SharedCommand.Restore c) {
        return keyed(
                Scripts.RESTORE,
                c,
                answer -> switch (answer.word()) {
                    case "restored" -> RestoreReply.RESTORED;
                    case "newer" -> RestoreReply.NEWER;
                    case "COLD" -> RestoreReply.COLD;
                    default -> throw answer.unknown();
                },
                kind(c.kind()),
                c.payload(),
                Request.number(c.writeId()),
                version(c.version()),
                Request.number(c.leaseId()),
                Request.number(c.isAsked() ? 1 : 0));
    }

    Call<Boolean> lost(SharedCommand.ReportLost c) {
        return ofShard(Scripts.LOST, c.shard(), c.generation(), answer -> answer.is("OK"), Request.number(c.writes()));
    }

    Call<ShardStatus> status(int shard, Generation expected) {
        return ofShard(Scripts.STATUS, shard, expected, answer -> {
            if (answer.number(1) != expected.value()) {
                throw new GenerationChanged(shard);
            }
            long oldest = answer.number(11);
            return new ShardStatus(
                    new Position(expected, answer.number(2)),
                    answer.number(4),
                    answer.number(5),
                    answer.number(6),
                    answer.number(7),
                    answer.number(8),
                    answer.number(9),
                    answer.number(10),
                    oldest == 0
                            ? Duration.ZERO
                            : Duration.of(Math.max(0, answer.number(12) - oldest), ChronoUnit.MICROS),
                    answer.number(13));
        });
    }

    /** Makes a result of a script's answer. */
    @FunctionalInterface
    interface AnswerReading<R> {
        R of(Answer answer);
    }

    private <R> Call<R> keyed(
            Scripts.Script script, SharedCommand.Keyed<?> c, AnswerReading<R> reading, byte[]... own) {
        byte[] key = Keyspace.bytes(c.key().text());
        int shard = c.key().shard();
        return call(script, shard, names.entry(shard, key), key, c.generation(), reading, own);
    }

    private <R> Call<R> ofShard(
            Scripts.Script script, int shard, Generation expected, AnswerReading<R> reading, byte[]... own) {
        return call(script, shard, names.prefix(shard), NOTHING, expected, reading, own);
    }

    private <R> Call<R> call(
            Scripts.Script script,
            int shard,
            byte[] entry,
            byte[] key,
            Generation expected,
            AnswerReading<R> reading,
            byte[]... own) {
        Request request =
                Request.of(script, entry, names.meta(shard), names.queue(shard), arguments(key, expected, own));
        return new Call<>(request, reply -> reading.of(new Answer(shard, reply)), timeout);
    }

    private byte[][] arguments(byte[] key, Generation expected, byte[]... own) {
        byte[][] arguments = new byte[4 + own.length][];
        arguments[0] = key;
        arguments[1] = names.channel();
        arguments[2] = injected.now();
        arguments[3] = Request.number(expected.value());
        System.arraycopy(own, 0, arguments, 4, own.length);
        return arguments;
    }

    private static byte[] kind(EntryKind kind) {
        return new byte[] {(byte) ('0' + kind.code())};
    }

    private static byte[] version(Version version) {
        return Request.number(version.value());
    }

    /** "Whatever version" is no version to allocate above. */
    private static byte[] known(Version version) {
        return Request.number(version.isUnknown() ? 0 : version.value());
    }

    private static byte[] micros(Duration duration) {
        return Request.number(duration.toNanos() / 1_000);
    }

    private static byte[] millis(Duration duration) {
        return Request.number(Math.max(1, duration.toMillis()));
    }

    private static String fate(Fate fate) {
        return switch (fate) {
            case APPLIED -> "applied";
            case SUPERSEDED -> "superseded";
            case DEAD -> "dead";
        };
    }
}
