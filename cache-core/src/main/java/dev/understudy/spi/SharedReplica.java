package dev.understudy.spi;

import dev.understudy.model.Ack;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
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

    /** A name of the server that commands go to at present; another after a restart or failover, 0 while there is none. */
    long serverId();

    /**
     * Waits until every command acknowledged before on this connection has reached the ack level.
     *
     * @param server what {@link #serverId} answered before the commands were sent
     * @return true if reached; false if the time ran out, or if the server is another one now, so that it says nothing of these commands
     */
    CompletionStage<Boolean> settle(Ack ack, Duration timeout, long server);

    /** How many bytes the server may use for data; empty if it is not known or not limited. */
    default OptionalLong memoryLimit() {
        return OptionalLong.empty();
    }

    /** The server's clock, in microseconds since 1970. */
    CompletionStage<Long> clockMicros();

    /** Closes connections; running commands fail. */
    @Override
    void close();
}
