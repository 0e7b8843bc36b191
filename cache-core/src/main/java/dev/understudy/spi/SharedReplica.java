package dev.understudy.spi;

import dev.understudy.model.Ack;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * The replica that all instances share: a server, as the engine sees it. Thread-safe.
 *
 * <p>Stages are completed by a thread of the adapter; whoever waits brings the deadline. A command is sent at most once:
 * the adapter never resends one after a lost connection.
 */
public interface SharedReplica extends AutoCloseable {
    /**
     * The data of one cache.
     *
     * @param namespace the application, {@code [a-z][a-z0-9_-]*}
     * @param cache the repository's name, same form
     * @param shards 1 to 4096; refused if the stored count differs
     */
    SharedCache cache(String namespace, String cache, int shards);

    /** Why write-back cannot be kept with that ack on this server (eviction policy, persistence); empty if it can. */
    Optional<String> whyNot(Ack ack);

    /**
     * Waits until every command acknowledged before on this connection has reached the ack level.
     *
     * @return true if reached, false if the time ran out
     */
    CompletionStage<Boolean> settle(Ack ack, Duration timeout);

    /** Closes connections; running commands fail. */
    @Override
    void close();
}
