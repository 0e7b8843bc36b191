package dev.understudy.engine;

import dev.understudy.spi.Clock;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.SharedReplicaFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * The end of an instance. Its drains go on until they have caught up with what was pending in their shards when it began: under the load of
 * other instances the queues are never empty. Then all of them stop and give their leases back. Confined to the closing thread.
 */
final class Closing {
    private static final Duration HAND_OVER = Duration.ofSeconds(1);
    private static final Duration LOOK = Duration.ofMillis(5);

    private final List<CacheEngine<?, ?>> engines;
    private final List<Member> members;
    private final Deadline deadline;
    private final Deadline drainsUntil;

    Closing(List<CacheEngine<?, ?>> engines, Clock clock, Duration timeout) {
        this.engines = engines;
        this.members = engines.stream().<Member>map(CacheEngine::closing).toList();
        Duration quarter = timeout.dividedBy(4);
        Duration handOver = quarter.compareTo(HAND_OVER) < 0 ? quarter : HAND_OVER;
        this.deadline = Deadline.after(clock, timeout);
        this.drainsUntil = Deadline.after(clock, timeout.minus(handOver));
    }

    /** Answers how many entries are left; empty if a replica that is away was never asked before. */
    OptionalLong run() {
        drain();
        members.forEach(Member::stop);
        members.forEach(member -> member.awaitStop(deadline));
        List<OptionalLong> left =
                members.stream().map(member -> member.left(deadline)).toList();
        engines.forEach(CacheEngine::release);
        return left.stream().allMatch(OptionalLong::isPresent)
                ? OptionalLong.of(
                        left.stream().mapToLong(OptionalLong::getAsLong).sum())
                : OptionalLong.empty();
    }

    private void drain() {
        List<Member> open = new ArrayList<>(members);
        open.removeIf(member -> member.isDone(drainsUntil));
        while (!open.isEmpty() && drainsUntil.rest(LOOK)) {
            open.removeIf(member -> member.isDone(drainsUntil));
        }
    }

    /** One engine's part. Confined to the closing thread. */
    static final class Member {
        private final CacheContext<?, ?> context;
        private final @Nullable Drain<?, ?> drain;
        private final Drain.@Nullable Mark mark;
        private OptionalLong seen = OptionalLong.empty();

        Member(CacheContext<?, ?> context, @Nullable Drain<?, ?> drain) {
            this.context = context;
            this.drain = drain;
            this.mark = drain == null ? null : drain.mark();
        }

        /** Whether there is nothing to wait for any more. */
        private boolean isDone(Deadline until) {
            if (drain == null || mark == null) {
                return true;
            }
            try {
                long pending = pending(until);
                seen = OptionalLong.of(pending);
                return pending == 0 || drain.isCaughtUp(mark, until);
            } catch (SharedReplicaFailure e) {
                // A late answer says nothing; while the replica is away, what is pending stays there for another
                // instance.
                return e.reason() != SharedReplicaFailure.Reason.NO_ANSWER;
            } catch (GenerationChanged e) {
                // The shard is opened by the drain's next round.
                return false;
            }
        }

        private void stop() {
            if (drain != null) {
                drain.stop();
            }
        }

        private void awaitStop(Deadline deadline) {
            if (drain != null) {
                drain.awaitStop(deadline);
            }
        }

        /** Entries left: as of now, or as last seen if there is no answer in time. */
        private OptionalLong left(Deadline deadline) {
            if (!context.settings.writeBack()) {
                return OptionalLong.of(0);
            }
            try {
                return OptionalLong.of(pending(deadline));
            } catch (SharedReplicaFailure e) {
                // Away or late: what was seen before is the best that is known.
                return seen;
            }
        }

        private long pending(Deadline until) {
            return Replies.await(context.shared.pending(), until).stream()
                    .mapToLong(Long::longValue)
                    .sum();
        }
    }
}
