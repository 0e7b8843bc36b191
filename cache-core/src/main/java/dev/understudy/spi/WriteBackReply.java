package dev.understudy.spi;

import dev.understudy.model.Position;
import dev.understudy.model.Version;
import java.time.Duration;

/** Answer to a write-back. */
public sealed interface WriteBackReply {
    /** Logged; {@code repeated} if the same write had been logged before. */
    record Accepted(Version version, Position position, boolean repeated) implements WriteBackReply {}

    /** The queue is at its limit. */
    record Full(QueueLimit.Reached limit) implements WriteBackReply {}

    /** The condition does not hold. */
    record Refused(Version current) implements WriteBackReply {}

    /** The replica knows nothing of the key: load the row's version and call again with it. */
    record Cold() implements WriteBackReply {}

    /**
     * A pending value of that version has other columns than the writer's: ask again with a payload that carries these on, see
     * {@link SharedCommand.Carried}.
     */
    record Foreign(Version pending) implements WriteBackReply {}

    /** A write-through of the key is under way, so the condition cannot be judged. */
    record Marked(Duration remaining) implements WriteBackReply {}
}
