package dev.understudy.adapters.redis;

import dev.understudy.model.Position;
import dev.understudy.spi.DrainedReply;
import dev.understudy.spi.ShardPosition;
import dev.understudy.spi.SharedCommand;
import dev.understudy.spi.SharedReplicaFailure;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Records that the server is told drained: those of one shard and generation {@value #TOGETHER} at a time, in one step of the server, and
 * {@value #UNDER_WAY} on their way, so that callers' requests do not wait for all of them. When a step is not answered what was not sent yet
 * fails as not sent. Filled by one thread, then sent; thread-safe from then on.
 */
final class DrainedSteps {
    /** Records of a step: half a millisecond of the server's, or so. */
    private static final int TOGETHER = 64;
    /** Bytes of what the primary stored instead of a step's records, at most, but for a single record. */
    private static final int TOGETHER_BYTES = 1 << 20;
    /** Records that the server has been sent and has not answered, at most, but for a single step. */
    private static final int UNDER_WAY = 256;

    private final ScriptCalls scripts;
    private final Link link;
    private final Map<ShardPosition, Step> filling = new HashMap<>();
    private final Deque<Step> waiting = new ArrayDeque<>();
    private int underWay;

    DrainedSteps(ScriptCalls scripts, Link link) {
        this.scripts = scripts;
        this.link = link;
    }

    /** Adds a record; answers the stage of its reply. */
    CompletionStage<DrainedReply> add(SharedCommand.Drained command) {
        ShardPosition of = new ShardPosition(command.shard(), new Position(command.generation(), 0));
        Step step = filling.get(of);
        if (step == null || !step.hasRoomFor(command)) {
            step = new Step(command.shard());
            filling.put(of, step);
            waiting.add(step);
        }
        return step.add(command);
    }

    /** Sends what may be under way. */
    void send() {
        List<Call<?>> calls = new ArrayList<>();
        synchronized (this) {
            while (!waiting.isEmpty()
                    && (underWay == 0 || underWay + waiting.element().size() <= UNDER_WAY)) {
                Step step = waiting.remove();
                underWay += step.size();
                Call<?> call = step.call(scripts);
                call.whenComplete((reply, failure) -> answered(step, failure));
                calls.add(call);
            }
        }
        if (!calls.isEmpty()) {
            link.send(calls);
        }
    }

    private void answered(Step step, @Nullable Throwable failure) {
        List<Step> given = List.of();
        synchronized (this) {
            underWay -= step.size();
            if (isUnanswered(failure)) {
                given = List.copyOf(waiting);
                waiting.clear();
            }
        }
        given.forEach(unsent -> unsent.fail(
                new SharedReplicaFailure(Reason.NOT_SENT, "the server did not answer what was sent before", failure)));
        send();
    }

    /** A step that the server refuses stands in nobody's way. */
    private static boolean isUnanswered(@Nullable Throwable failure) {
        return failure instanceof SharedReplicaFailure of
                && (of.reason() == Reason.NO_ANSWER || of.reason() == Reason.NOT_SENT);
    }

    /** Records that are told in one step of the server. Not thread-safe. */
    private static final class Step {
        private final int shard;
        private final List<SharedCommand.Drained> commands = new ArrayList<>();
        private final List<CompletableFuture<DrainedReply>> replies = new ArrayList<>();
        private int bytes;

        Step(int shard) {
            this.shard = shard;
        }

        int size() {
            return commands.size();
        }

        boolean hasRoomFor(SharedCommand.Drained command) {
            return commands.size() < TOGETHER && bytes + bytes(command) <= TOGETHER_BYTES;
        }

        CompletionStage<DrainedReply> add(SharedCommand.Drained command) {
            CompletableFuture<DrainedReply> reply = new CompletableFuture<>();
            commands.add(command);
            replies.add(reply);
            bytes += bytes(command);
            return reply;
        }

        private static int bytes(SharedCommand.Drained command) {
            return command.correction()
                    .map(correction -> correction.payload().length)
                    .orElse(0);
        }

        Call<?> call(ScriptCalls scripts) {
            if (commands.size() == 1) {
                Call<DrainedReply> one = scripts.drained(commands.get(0));
                one.whenComplete((reply, failure) -> settle(replies.get(0), reply, failure));
                return one;
            }
            Call<List<String>> all = scripts.drained(shard, commands);
            all.whenComplete((words, failure) -> {
                if (failure != null) {
                    fail(failure);
                } else {
                    settle(words);
                }
            });
            return all;
        }

        void fail(Throwable failure) {
            replies.forEach(reply -> reply.completeExceptionally(failure));
        }

        private void settle(List<String> words) {
            for (int i = 0; i < replies.size(); i++) {
                try {
                    replies.get(i).complete(EntryReading.drained(words.get(i)));
                } catch (IllegalArgumentException e) {
                    // That record alone: it is not understood, or not what scripts write.
                    replies.get(i)
                            .completeExceptionally(new SharedReplicaFailure(
                                    Reason.NO_ANSWER, "a drained record was not taken out", e));
                }
            }
        }

        private static void settle(
                CompletableFuture<DrainedReply> stage, @Nullable DrainedReply reply, @Nullable Throwable failure) {
            if (reply != null) {
                stage.complete(reply);
            } else {
                stage.completeExceptionally(failure == null ? new IllegalStateException("no reply") : failure);
            }
        }
    }
}
