package dev.understudy.adapters.redis;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.model.ShardKey;
import dev.understudy.servers.RedisServer;
import dev.understudy.spi.Announcement;
import dev.understudy.spi.AnnouncementListener;
import dev.understudy.spi.ApplyReply;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.FillReply;
import dev.understudy.spi.InMemoryEntry;
import dev.understudy.spi.InMemorySharedCache;
import dev.understudy.spi.InMemorySharedServer;
import dev.understudy.spi.InvalidateReply;
import dev.understudy.spi.LeaseReply;
import dev.understudy.spi.ManualClock;
import dev.understudy.spi.Pending;
import dev.understudy.spi.Prepared;
import dev.understudy.spi.Renewed;
import dev.understudy.spi.RestoreReply;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedEntry;
import dev.understudy.spi.WriteBackReply;
import io.lettuce.core.protocol.CommandType;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * The in-memory twin against the scripts on a real Redis: the same random commands with the same clock, generations and eras;
 * replies, announcements, entries with their expiry, meta records and queues must be equal. {@code -Ddifferential.commands} sets how
 * many, {@code -Ddifferential.seed} replays a seed. Redis' own expiry runs by another clock; so every expiry becomes a long one
 * right after it was compared, and the key is deleted when the twin says that it has expired.
 */
final class DifferentialTest {
    private static final int COMMANDS = Integer.getInteger("differential.commands", 120_000);
    private static final int BATCH = 300;
    private static final int SHARDS = 3;
    private static final String NAMESPACE = "differential";
    private static final String CACHE = "things";
    private static final long LONG_MILLIS = Duration.ofDays(1).toMillis();

    private final long seed = Long.getLong("differential.seed", System.nanoTime());
    private final Random random = new Random(seed);
    private final ManualClock clock = new ManualClock();
    private final InMemorySharedServer twinServer = new InMemorySharedServer(clock);
    private final Keyspace names = new Keyspace(NAMESPACE, CACHE, SHARDS);
    private final List<ShardKey> keys =
            IntStream.range(0, 10).mapToObj(i -> ShardKey.of("k" + i, SHARDS)).toList();
    private final CommandMix mix = new CommandMix(random, keys, key -> twinServer.entry(NAMESPACE, CACHE, key));
    private final Map<ShardKey, InMemoryEntry> last = new HashMap<>();
    private final List<Announcement> twinHeard = new ArrayList<>();
    private final List<Announcement> heard = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, Integer> kinds = new HashMap<>();
    private long candidate = 1;
    private long era = 7;
    private InMemorySharedCache twin;
    private RedisReplica replica;
    private RedisCache cache;

    /** Something expected of Redis, checked when the batch has been answered. */
    private record Expected(String kind, CompletableFuture<?> answer, Predicate<Object> holds) {}

    private final List<Expected> expected = new ArrayList<>();

    @Test
    void commands_ofARandomSeed_answerAndLeaveTheSame() throws Exception {
        Injected injected = new Injected(clock::micros, () -> candidate, server -> era);
        twinServer.candidates(() -> candidate);
        try (RedisServer server = RedisServer.builder()
                .arguments("--appendonly", "no", "--save", "")
                .start()) {
            System.out.println("differential seed " + seed + ", " + COMMANDS + " commands, " + server.description());
            replica = Redis.at(server.uri())
                    .commandTimeout(Duration.ofSeconds(20))
                    .injected(injected)
                    .open();
            try {
                run();
            } finally {
                replica.close();
            }
        }
        System.out.println("differential commands by kind and answer: " + new TreeMap<>(kinds));
        if (COMMANDS >= 50_000) {
            assertThat(kinds.keySet()).containsAll(everyAnswer());
        }
    }

    private static Set<String> everyAnswer() {
        Set<String> all = new TreeSet<>(Set.of(
                "Open ShardPosition",
                "Prepare Prepared",
                "Renew held",
                "Renew lost",
                "Lease Hit",
                "Lease Granted",
                "Lease Wait",
                "WriteBack Accepted",
                "WriteBack Repeated",
                "WriteBack Full",
                "WriteBack Refused",
                "WriteBack Cold",
                "WriteBack Marked",
                "WriteBack Foreign",
                "Peek none",
                "Peek some",
                "ReportLost ShardStatus"));
        Stream.of(ApplyReply.Result.values()).forEach(each -> all.add("Apply " + each));
        Stream.of(FillReply.values()).forEach(each -> all.add("Fill " + each));
        Stream.of(DrainedReply.values())
                .forEach(each -> all.addAll(List.of("Drained " + each, "Drained together " + each)));
        Stream.of(InvalidateReply.values()).forEach(each -> all.add("Invalidate " + each));
        Stream.of(RestoreReply.values()).forEach(each -> all.add("Restore " + each));
        Stream.of("Prepare", "Renew", "Apply", "Lease", "Fill", "WriteBack", "Peek", "Drained", "Invalidate", "Status")
                .forEach(each -> all.add(each + " GenerationChanged"));
        return all;
    }

    private void run() throws Exception {
        twin = twinServer.connect().cache(NAMESPACE, CACHE, SHARDS);
        cache = replica.cache(NAMESPACE, CACHE, SHARDS);
        listen();
        for (int shard = 0; shard < SHARDS; shard++) {
            submit(new SharedCommand.Open(shard));
        }
        settleBatch();
        for (int done = 0; done < COMMANDS; done++) {
            step();
            if (done % BATCH == 0) {
                settleBatch();
            }
        }
        settleBatch();
    }

    private void listen() {
        twin.subscribe(new Listening(twinHeard));
        CompletableFuture<Boolean> ready = new CompletableFuture<>();
        cache.subscribe(new Listening(heard) {
            @Override
            public void interrupted() {
                ready.complete(true);
            }
        });
        assertThat(ready.orTimeout(20, TimeUnit.SECONDS).join()).isTrue();
    }

    /** Keeps announcements. */
    private static class Listening implements AnnouncementListener {
        private final List<Announcement> heard;

        Listening(List<Announcement> heard) {
            this.heard = heard;
        }

        @Override
        public void announced(Announcement announcement) {
            heard.add(announcement);
        }

        @Override
        public void interrupted() {
            // Tells no more than that a shard has a new generation, which the replies tell too.
        }
    }

    private void step() {
        moveClock();
        int dice = random.nextInt(3_000);
        if (dice == 0) {
            twinServer.flush();
            send("FLUSHALL", CommandType.FLUSHALL, reply -> true);
            last.clear();
            submit(new SharedCommand.Open(random.nextInt(SHARDS)));
        } else if (dice < 6) {
            era++;
            submit(new SharedCommand.Open(random.nextInt(SHARDS)));
        } else if (dice < 60) {
            strangerDeletes(mix.key());
        } else if (dice < 120) {
            compareReads();
        } else if (dice < 240) {
            drainTogether();
        } else {
            submit(mix.next());
        }
        for (int shard = 0; shard < SHARDS; shard++) {
            if (twinServer.meta(NAMESPACE, CACHE, shard).isEmpty() && random.nextInt(4) == 0) {
                submit(new SharedCommand.Open(shard));
            }
        }
    }

    private void moveClock() {
        int dice = random.nextInt(1_000);
        if (dice < 40) {
            toADeadline(mix.key());
        } else if (dice < 850) {
            clock.setMicros(clock.micros() + Math.max(0, random.nextInt(60) - 30)); // often the same microsecond
        } else if (dice < 960) {
            clock.advance(Duration.ofMillis(random.nextInt(2_500)));
        } else if (dice < 990) {
            clock.advance(Duration.ofSeconds(11));
        } else if (dice < 995) {
            clock.advance(Duration.ofMinutes(random.nextInt(400)));
        } else {
            clock.advance(Duration.ofMillis(-1));
        }
        mix.now(clock.micros());
        twinServer.era(era);
        for (ShardKey key : keys) {
            if (last.containsKey(key) && twinServer.entry(NAMESPACE, CACHE, key).isEmpty()) {
                last.remove(key);
                send("expiry", CommandType.DEL, reply -> Long.valueOf(1).equals(reply), entryName(key));
            }
        }
    }

    /** To the very microsecond at which a marker or a lease of the key ends, or beside it. */
    private void toADeadline(ShardKey key) {
        InMemoryEntry entry = last.get(key);
        if (entry != null) {
            long deadline = entry.markers() > 0 || entry.dirty() ? entry.markerDeadline() : entry.second();
            clock.setMicros(Math.max(clock.micros(), deadline - 1 + random.nextInt(3)));
        }
    }

    private void strangerDeletes(ShardKey key) {
        InMemoryEntry entry = last.remove(key);
        if (entry == null || twinServer.meta(NAMESPACE, CACHE, key.shard()).isEmpty()) {
            return;
        }
        twinServer.evict(NAMESPACE, CACHE, key);
        send("eviction", CommandType.DEL, reply -> Long.valueOf(1).equals(reply), entryName(key));
        if (entry.dirty()) {
            mix.afterDeletionOf(key).forEach(this::submit);
        }
    }

    private void compareReads() {
        expect("positions", cache.positions(), join(twin.positions()));
        List<String> read = described(join(twin.read(keys)));
        expected.add(new Expected(
                "read",
                cache.read(keys).toCompletableFuture(),
                reply -> described((List<?>) reply).equals(read)));
    }

    private void submit(SharedCommand<?> command) {
        String kind = command.getClass().getSimpleName();
        if (command instanceof SharedCommand.Open) {
            candidate = 1L + random.nextInt(1_000);
        }
        twinServer.era(era);
        Object reply = outcome(twin.submit(command));
        kinds.merge(kind + " " + form(reply), 1, Integer::sum);
        remember(command, reply);
        if (command instanceof SharedCommand.ReportLost) {
            awaitWhatWasSent();
        }
        CompletableFuture<?> replied = cache.submit(command).toCompletableFuture();
        expected.add(new Expected(kind, replied, answer -> described(answer).equals(described(reply))));
        if (command instanceof SharedCommand.Open) {
            outcome(replied); // it may look at the server first: what follows is not to overtake it
        }
        if (command instanceof SharedCommand.Keyed<?> keyed) {
            compareExpiry(kind, keyed.key());
        }
    }

    /** What is sent together may overtake single commands while another thread, as the heartbeat's, sends these. */
    private void awaitWhatWasSent() {
        expected.forEach(each -> outcome(each.answer()));
    }

    /** One step of the server for all is to do what the twin does for one after the other. */
    private void drainTogether() {
        awaitWhatWasSent();
        List<SharedCommand.Drained> commands = mix.drainedTogether();
        twinServer.era(era);
        List<CompletionStage<DrainedReply>> answers = cache.drained(commands);
        for (int i = 0; i < commands.size(); i++) {
            Object reply = outcome(twin.submit(commands.get(i)));
            kinds.merge("Drained together " + form(reply), 1, Integer::sum);
            CompletableFuture<?> answer = answers.get(i).toCompletableFuture();
            expected.add(new Expected(
                    "Drained together", answer, each -> described(each).equals(described(reply))));
        }
        List<ShardKey> drained =
                commands.stream().map(SharedCommand.Drained::key).distinct().toList();
        drained.forEach(key -> compareExpiry("Drained together", key));
    }

    private void remember(SharedCommand<?> command, Object reply) {
        if (reply instanceof Prepared prepared) {
            mix.prepared(((SharedCommand.Prepare) command).key(), prepared);
        } else if (reply instanceof ShardPosition opened) {
            mix.opened(opened.shard(), opened.position().generation());
        }
    }

    @SuppressWarnings("ReferenceEquality") // the very record that was stored before: nothing was stored since
    private void compareExpiry(String kind, ShardKey key) {
        InMemoryEntry now = twinServer.entry(NAMESPACE, CACHE, key).orElse(null);
        InMemoryEntry before = now == null ? last.remove(key) : last.put(key, now);
        boolean expires = now != null && now.lifetimeMillis() != InMemoryEntry.FOREVER;
        long lifetime = now == null ? -2 : !expires ? -1 : now == before ? LONG_MILLIS : now.lifetimeMillis();
        send(
                kind + "'s expiry",
                CommandType.PTTL,
                reply -> reply instanceof Long left
                        && left <= lifetime
                        && left > (lifetime < 0 ? lifetime - 1 : lifetime - 2_900),
                entryName(key));
        if (expires) { // not by the server's clock
            send("longer", CommandType.PEXPIRE, reply -> true, entryName(key), Request.number(LONG_MILLIS));
        }
    }

    private void settleBatch() throws Exception {
        for (ShardKey key : keys) {
            byte[] entry =
                    twinServer.entry(NAMESPACE, CACHE, key).map(TwinBytes::of).orElse(null);
            send(
                    "entry",
                    CommandType.GET,
                    reply -> Arrays.equals(TwinBytes.withoutEmptyBlock((byte[]) reply), entry),
                    entryName(key));
        }
        for (int shard = 0; shard < SHARDS; shard++) {
            byte[] meta =
                    twinServer.meta(NAMESPACE, CACHE, shard).map(TwinBytes::of).orElse(null);
            send(
                    "meta",
                    CommandType.GET,
                    reply -> Arrays.equals(TwinBytes.withoutOldest((byte[]) reply), meta),
                    names.meta(shard));
            List<String> queue = new ArrayList<>();
            twinServer.queue(NAMESPACE, CACHE, shard).forEach((key, score) -> {
                queue.add(key);
                queue.add(String.valueOf(score));
            });
            send(
                    "queue",
                    CommandType.ZRANGE,
                    reply -> texts((List<?>) reply).equals(queue),
                    names.queue(shard),
                    Request.text("0"),
                    Request.text("-1"),
                    Request.text("WITHSCORES"));
        }
        // Last, as it takes a second command if a shard has lost its counters.
        expect("pending", cache.pending(), join(twin.pending()));
        for (int i = 0; i < expected.size(); i++) {
            Expected each = expected.get(i);
            Object answer = outcome(each.answer());
            if (!each.holds().test(answer)) {
                List<String> before = expected.subList(Math.max(0, i - 30), i + 1).stream()
                        .map(Expected::kind)
                        .filter(kind -> !kind.equals("longer") && !kind.endsWith("expiry"))
                        .toList();
                throw new AssertionError("seed " + seed + ": " + each.kind() + " differs; kinds before: " + before
                        + "; " + (answer instanceof RuntimeException e ? e.toString() : "an answer"));
            }
        }
        expected.clear();
        compareAnnouncements();
    }

    private void compareAnnouncements() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (heard.size() < twinHeard.size() && System.nanoTime() < deadline) {
            LockSupport.parkNanos(100_000);
        }
        assertThat(heard.equals(twinHeard)).as("announcements of seed " + seed).isTrue();
        heard.clear();
        twinHeard.clear();
    }

    private void send(String kind, CommandType type, Predicate<Object> holds, byte[]... arguments) {
        Link link = replica.link();
        if (link == null) {
            throw new AssertionError("seed " + seed + ": the connection is lost");
        }
        Call<Object> call = new Call<>(
                Request.of(type, arguments), reply -> reply == null ? "none" : reply, Duration.ofSeconds(20));
        expected.add(new Expected(kind, link.send(call), reply -> holds.test("none".equals(reply) ? null : reply)));
    }

    private <R> void expect(String kind, CompletionStage<R> answer, R reply) {
        expected.add(new Expected(kind, answer.toCompletableFuture(), reply::equals));
    }

    private static <R> R join(CompletionStage<R> stage) {
        return stage.toCompletableFuture().join();
    }

    private static Object outcome(CompletionStage<?> stage) {
        try {
            return stage.toCompletableFuture().get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            return e.getCause();
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** What can be compared of a reply: the fields of entries with their payload, else the reply itself; of a failure its text. */
    private static Object described(@Nullable Object reply) {
        if (reply instanceof List<?> list) {
            return described(list);
        } else if (reply instanceof LeaseReply.Hit hit) {
            return described(hit.entry());
        } else if (reply instanceof Pending pending) {
            return pending.key().text() + " " + described(pending.entry());
        } else if (reply instanceof SharedEntry e) {
            return List.of(
                            e.kind(),
                            e.pending(),
                            e.generation(),
                            e.version(),
                            e.writeId(),
                            e.writers(),
                            e.markerDeadline(),
                            e.base(),
                            Arrays.toString(e.payload()))
                    .toString();
        } else if (reply instanceof RuntimeException failure) {
            return failure.toString();
        }
        return String.valueOf(reply);
    }

    /** Which of a command's answers it is. */
    private static String form(Object reply) {
        if (reply instanceof Enum<?> constant) {
            return constant.name();
        } else if (reply instanceof ApplyReply apply) {
            return apply.result().name();
        } else if (reply instanceof Renewed renewed) {
            return renewed.held() ? "held" : "lost";
        } else if (reply instanceof WriteBackReply.Accepted accepted) {
            return accepted.repeated() ? "Repeated" : "Accepted";
        }
        return reply instanceof List<?> list
                ? (list.isEmpty() ? "none" : "some")
                : reply.getClass().getSimpleName();
    }

    private static List<String> described(List<?> replies) {
        return replies.stream().map(each -> String.valueOf(described(each))).toList();
    }

    private static List<String> texts(List<?> parts) {
        return parts.stream()
                .map(part ->
                        part instanceof byte[] text ? new String(text, StandardCharsets.UTF_8) : String.valueOf(part))
                .toList();
    }

    private byte[] entryName(ShardKey key) {
        return names.entry(key.shard(), Keyspace.bytes(key.text()));
    }
}
