package dev.understudy.spi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.model.Generation;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.SharedCommand.AppliedChange;
import dev.understudy.spi.SharedCommand.Condition;
import dev.understudy.spi.SharedCommand.Fate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** The commands as the contract suites call them: blocking, with the values that most tests share. */
abstract class SharedReplicaCalls {
    static final int SHARDS = 4;
    static final Duration LEASE = Duration.ofSeconds(2);
    static final Duration MARKER = Duration.ofSeconds(10);
    static final Duration TTL = Duration.ofHours(1);

    private final List<SharedReplica> connections = new ArrayList<>();
    SharedReplica replica;
    SharedCache cache;
    List<Generation> generation;
    private long writeIds = 1_000;

    /** A connection of another instance to the same data, which is empty when the test begins. */
    protected abstract SharedReplica connect();

    @BeforeEach
    void openCache() {
        replica = open();
        cache = replica.cache("contract", "things", SHARDS);
        generation = openAll(cache);
    }

    @AfterEach
    void closeConnections() {
        connections.forEach(SharedReplica::close);
    }

    SharedReplica open() {
        SharedReplica opened = connect();
        connections.add(opened);
        return opened;
    }

    static List<Generation> openAll(SharedCache of) {
        List<Generation> generations = new ArrayList<>();
        for (int shard = 0; shard < SHARDS; shard++) {
            generations.add(call(of, new SharedCommand.Open(shard)).position().generation());
        }
        return generations;
    }

    /** Moves the clock of the scripts on; entries may live longer, by a clock of the server's own. */
    protected abstract void advance(Duration step);

    ShardKey key(String text) {
        return ShardKey.of(text, SHARDS);
    }

    Generation generationOf(ShardKey key) {
        return generation.get(key.shard());
    }

    long nextWriteId() {
        return writeIds++;
    }

    <R> R call(SharedCommand<R> command) {
        return call(cache, command);
    }

    static <R> R call(SharedCache of, SharedCommand<R> command) {
        return reply(of.submit(command));
    }

    static <R> R reply(CompletionStage<R> stage) {
        try {
            return stage.toCompletableFuture().get(10, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new AssertionError(e);
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    SharedEntry read(ShardKey key) {
        SharedEntry entry = reply(cache.read(List.of(key))).get(0);
        assertThat(entry).isNotNull();
        return entry;
    }

    SharedCommand.Lease lease(ShardKey key, long id) {
        return new SharedCommand.Lease(key, generationOf(key), id, LEASE);
    }

    SharedCommand.Fill fillOf(ShardKey key, long lease, String value, long version) {
        return new SharedCommand.Fill(
                key, generationOf(key), lease, EntryKind.VALUE, new Version(version), value.getBytes(UTF_8), TTL);
    }

    void fill(ShardKey key, String value, long version) {
        long lease = nextWriteId();
        assertThat(call(lease(key, lease))).isInstanceOf(LeaseReply.Granted.class);
        assertThat(call(fillOf(key, lease, value, version))).isEqualTo(FillReply.FILLED);
    }

    Prepared prepare(ShardKey key) {
        return call(new SharedCommand.Prepare(key, generationOf(key), MARKER, Version.ABSENT));
    }

    SharedCommand.Renew renew(ShardKey key, long deadlineMicros) {
        return new SharedCommand.Renew(key, generationOf(key), MARKER, deadlineMicros);
    }

    SharedCommand.Apply apply(
            ShardKey key, AppliedChange change, Version version, String value, Optional<Prepared> prepared) {
        return new SharedCommand.Apply(
                key, generationOf(key), change, version, value.getBytes(UTF_8), TTL, prepared, nextWriteId(), false);
    }

    SharedCommand.Invalidate invalidate(ShardKey key, long version) {
        return new SharedCommand.Invalidate(key, generationOf(key), new Version(version));
    }

    SharedCommand.WriteBack writeBackOf(
            ShardKey key,
            EntryKind kind,
            String value,
            long writeId,
            Condition condition,
            Optional<Version> base,
            int limit) {
        return new SharedCommand.WriteBack(
                key,
                generationOf(key),
                kind,
                value.getBytes(UTF_8),
                writeId,
                condition,
                base,
                QueueLimit.entries(limit),
                Version.ABSENT);
    }

    /** A write-back that is accepted, over a row of that version (0: none). */
    WriteBackReply.Accepted writeBack(ShardKey key, String value, long base) {
        WriteBackReply reply = call(writeBackOf(
                key, EntryKind.VALUE, value, nextWriteId(), Condition.NONE, Optional.of(new Version(base)), 1_000));
        assertThat(reply).isInstanceOf(WriteBackReply.Accepted.class);
        return (WriteBackReply.Accepted) reply;
    }

    List<Pending> peek(int shard) {
        return call(new SharedCommand.Peek(shard, generation.get(shard), Duration.ZERO, 1_000));
    }

    Pending peekOnly(ShardKey key) {
        List<Pending> pending = peek(key.shard());
        assertThat(pending).hasSize(1);
        return pending.get(0);
    }

    SharedCommand.Drained drained(Pending pending, Fate fate) {
        return drained(pending, fate, Optional.empty());
    }

    SharedCommand.Drained drained(Pending pending, Fate fate, Optional<SharedCommand.Correction> correction) {
        return new SharedCommand.Drained(
                pending.key(),
                generationOf(pending.key()),
                pending.entry().version(),
                pending.entry().kind(),
                fate,
                correction,
                TTL,
                pending.entry().writeId());
    }

    ShardStatus status(ShardKey key) {
        return call(new SharedCommand.Status(key.shard(), generationOf(key)));
    }

    long positionOf(ShardKey key) {
        return reply(cache.positions()).get(key.shard()).position().value();
    }

    static void assertConserved(ShardStatus status) {
        assertThat(status.acked())
                .isEqualTo(status.applied() + status.superseded() + status.dead() + status.lost() + status.pending());
    }
}
