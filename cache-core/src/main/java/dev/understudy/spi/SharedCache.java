package dev.understudy.spi;

import dev.understudy.model.ShardKey;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One cache's shards in the shared replica. Thread-safe. Failures complete a stage with {@link SharedReplicaFailure} or
 * {@link GenerationChanged}.
 *
 * <p>At first, and again whenever the connection that carries commands is lost, every shard is closed: {@link #read} and
 * {@link #submit} of anything but {@link SharedCommand.Open} fail with {@link GenerationChanged} without being sent, until
 * an {@code Open} of the shard has succeeded on the present connection. A server that came back with older data is so
 * noticed before the first read.
 */
public interface SharedCache {
    /** How many shards. */
    int shards();

    /**
     * The entries of the keys, in their order, null where there is none; one round trip per server. Where nothing is pending, an entry of
     * another generation than the present connection opened its shard with is none, also before the caller has heard of that generation.
     */
    CompletionStage<List<@Nullable SharedEntry>> read(List<ShardKey> keys);

    /** Carries out a command, at most once. */
    <R> CompletionStage<R> submit(SharedCommand<R> command);

    /**
     * Carries out each of the commands, at most once and by itself; the answers are in their order. An adapter may have the shared replica
     * take several in one step, which then fails for all of them or, like a single command, for one.
     */
    default List<CompletionStage<DrainedReply>> drained(List<SharedCommand.Drained> commands) {
        return commands.stream().map(this::<DrainedReply>submit).toList();
    }

    /**
     * The positions of all shards, in order of shard; one round trip per server. A shard that is not open on the present connection has
     * none: its stored generation says nothing before the server was compared with it.
     */
    CompletionStage<List<ShardPosition>> positions();

    /** How many entries are pending in each shard, in order of shard; one round trip per server. */
    CompletionStage<List<Long>> pending();

    /** Tells the listener of every change from now on; {@link AnnouncementListener#interrupted} comes first. */
    Subscription subscribe(AnnouncementListener listener);

    /** A listener's registration. */
    interface Subscription extends AutoCloseable {
        @Override
        void close();
    }
}
