package dev.understudy.engine;

import dev.understudy.model.Generation;
import dev.understudy.spi.Clock;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedCache;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplicaFailure;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The shards of one cache: their generations, and commands that carry them. Thread-safe.
 *
 * <p>A command that meets another generation has changed nothing, so the shard is opened and the command is made anew, at most
 * {@link #ATTEMPTS} times.
 */
final class Shards {
    private static final int ATTEMPTS = 4;

    private final SharedCache shared;
    private final Clock clock;
    private final IntConsumer onReopening;
    private final IntConsumer onReopened;
    private final Runnable onClosed;
    private final List<ShardState> states;

    /**
     * Shards that are closed.
     *
     * @param onReopening told of a shard that is found with another generation than before, while commands still carry the one before
     * @param onReopened told of a shard that has another generation than before
     * @param onClosed told before a shard is opened again, which was closed as the connection was lost or the generation changed
     */
    Shards(SharedCache shared, Clock clock, IntConsumer onReopening, IntConsumer onReopened, Runnable onClosed) {
        this.shared = shared;
        this.clock = clock;
        this.onReopening = onReopening;
        this.onReopened = onReopened;
        this.onClosed = onClosed;
        List<ShardState> all = new ArrayList<>();
        for (int shard = 0; shard < shared.shards(); shard++) {
            all.add(new ShardState(shard, clock.nanoTime()));
        }
        this.states = List.copyOf(all);
    }

    ShardState state(int shard) {
        return states.get(shard);
    }

    List<ShardState> states() {
        return states;
    }

    /** Opens all shards, pipelined. */
    void openAll(Deadline deadline) {
        openEach(states.stream().map(state -> state.shard).toList(), deadline);
    }

    /** Adopts the shard's generation if it differs from the one expected. */
    void open(int shard, Deadline deadline) {
        open(List.of(shard), deadline);
    }

    /** The same of several shards at once. */
    void open(Collection<Integer> some, Deadline deadline) {
        onClosed.run();
        openEach(some, deadline);
    }

    private void openEach(Collection<Integer> some, Deadline deadline) {
        List<CompletionStage<ShardPosition>> opened = new ArrayList<>();
        for (int shard : some) {
            opened.add(shared.submit(new SharedCommand.Open(shard)));
        }
        for (CompletionStage<ShardPosition> stage : opened) {
            adopt(Replies.await(stage, deadline));
        }
    }

    /** Begins another generation of every shard, and adopts it: clean entries of before mean nothing, here and elsewhere. */
    void distrustAll(Deadline deadline) {
        List<Integer> all = states.stream().map(state -> state.shard).toList();
        callAll(all, i -> generation -> new SharedCommand.Distrust(all.get(i), generation), deadline)
                .forEach(this::adopt);
    }

    private void adopt(ShardPosition opened) {
        ShardState state = states.get(opened.shard());
        Generation before = state.generation();
        boolean isOther = !before.equals(Generation.NONE)
                && !before.equals(opened.position().generation());
        if (isOther) {
            // Before anything counts as drained because it is not there under the new generation.
            onReopening.accept(opened.shard());
        }
        state.opened(opened.position(), clock.nanoTime());
        if (isOther) {
            onReopened.accept(opened.shard());
        }
    }

    /** Sends one command and waits for its reply. */
    <R> R call(int shard, Function<Generation, SharedCommand<R>> command, Deadline deadline) {
        return callAll(List.of(shard), index -> command, deadline).get(0);
    }

    /**
     * Sends one command for each of the shards, pipelined, and waits for all replies.
     *
     * @param command makes the command of an index in {@code shardOf} for a generation; asked once for each index
     */
    <R> List<R> callAll(
            List<Integer> shardOf,
            Function<Integer, Function<Generation, SharedCommand<R>>> command,
            Deadline deadline) {
        List<Reply<R>> replies = attemptAll(shardOf, command, deadline);
        List<R> results = new ArrayList<>(replies.size());
        RuntimeException first = null;
        for (Reply<R> reply : replies) {
            if (reply.failure() != null) {
                first = first == null ? reply.failure() : first;
            } else {
                results.add(reply.result());
            }
        }
        if (first != null) {
            throw first;
        }
        return results;
    }

    /** The same, with a failure in place of a reply where a command failed. */
    <R> List<Reply<R>> attemptAll(
            List<Integer> shardOf,
            Function<Integer, Function<Generation, SharedCommand<R>>> command,
            Deadline deadline) {
        return attemptAll(shardOf, command, i -> 0, 0, deadline);
    }

    /**
     * The same, where not all are under way at a time, so that others' requests do not wait for all of them.
     *
     * @param weight of the command of an index
     * @param underWay the sum of the weights under way, at most, but for a single command that weighs more
     */
    <R> List<Reply<R>> attemptAll(
            List<Integer> shardOf,
            Function<Integer, Function<Generation, SharedCommand<R>>> command,
            IntUnaryOperator weight,
            int underWay,
            Deadline deadline) {
        List<Function<Generation, SharedCommand<R>>> commands = new ArrayList<>(shardOf.size());
        List<CompletionStage<R>> sent = new ArrayList<>(shardOf.size());
        List<Reply<R>> replies = new ArrayList<>(shardOf.size());
        int load = 0;
        for (int i = 0; i < shardOf.size(); i++) {
            int next = sent.size();
            while (next < shardOf.size() && (next == i || load + weight.applyAsInt(next) <= underWay)) {
                if (next == i && next > 0 && deadline.isPast()) {
                    SharedReplicaFailure late = new SharedReplicaFailure(
                            SharedReplicaFailure.Reason.NOT_SENT, "no time was left to send it", null);
                    replies.addAll(Collections.nCopies(shardOf.size() - i, Reply.failed(late)));
                    return replies;
                }
                load += weight.applyAsInt(next);
                commands.add(command.apply(next));
                sent.add(send(shardOf.get(next), commands.get(next)));
                next++;
            }
            replies.add(settle(shardOf.get(i), sent.get(i), commands.get(i), deadline));
            load -= weight.applyAsInt(i);
        }
        return replies;
    }

    /** Sends records drained, of which a shard may take several in one step; their replies are waited for later. */
    Telling tellDrained(List<Integer> shardOf, Function<Integer, Function<Generation, SharedCommand.Drained>> command) {
        List<SharedCommand.Drained> commands = new ArrayList<>(shardOf.size());
        for (int i = 0; i < shardOf.size(); i++) {
            commands.add(command.apply(i).apply(states.get(shardOf.get(i)).generation()));
        }
        List<CompletionStage<DrainedReply>> sent = shared.drained(commands);
        return deadline -> {
            List<Reply<DrainedReply>> replies = new ArrayList<>(sent.size());
            for (int i = 0; i < sent.size(); i++) {
                replies.add(settle(shardOf.get(i), sent.get(i), command.apply(i)::apply, deadline));
            }
            return replies;
        };
    }

    /** Records drained that the shared replica is being told of. */
    @FunctionalInterface
    interface Telling {
        /** The replies, in the order of the records, with a failure in place of one where that is. */
        List<Reply<DrainedReply>> await(Deadline deadline);
    }

    private <R> CompletionStage<R> send(int shard, Function<Generation, SharedCommand<R>> command) {
        Generation generation = states.get(shard).generation();
        return generation.equals(Generation.NONE)
                ? CompletableFuture.failedFuture(new GenerationChanged(shard))
                : shared.submit(command.apply(generation));
    }

    private <R> Reply<R> settle(
            int shard, CompletionStage<R> sent, Function<Generation, SharedCommand<R>> command, Deadline deadline) {
        CompletionStage<R> stage = sent;
        for (int attempt = 1; ; attempt++) {
            try {
                return Reply.of(Replies.await(stage, deadline));
            } catch (GenerationChanged e) {
                if (attempt == ATTEMPTS) {
                    return Reply.failed(e);
                }
            } catch (RuntimeException e) {
                // Told to the caller, who knows what the command was for.
                return Reply.failed(e);
            }
            try {
                open(shard, deadline);
            } catch (RuntimeException e) {
                // The command itself has not run; the shard cannot be opened at present.
                return Reply.failed(
                        e instanceof SharedReplicaFailure failure
                                ? new SharedReplicaFailure(
                                        SharedReplicaFailure.Reason.NOT_SENT, "the shard cannot be opened", failure)
                                : e);
            }
            stage = send(shard, command);
        }
    }

    /** A reply or a failure. */
    record Reply<R>(@Nullable R value, @Nullable RuntimeException failure) {
        static <R> Reply<R> of(R value) {
            return new Reply<>(value, null);
        }

        static <R> Reply<R> failed(RuntimeException failure) {
            return new Reply<>(null, failure);
        }

        R result() {
            if (value == null) {
                throw new IllegalStateException("no reply", failure);
            }
            return value;
        }
    }
}
