package dev.understudy.spi;

import java.time.Duration;

/** Answer to the wish to fill an entry. */
public sealed interface LeaseReply {
    /** There is an entry that answers. */
    record Hit(SharedEntry entry) implements LeaseReply {}

    /** The caller loads and fills. */
    record Granted() implements LeaseReply {}

    /** Somebody else loads; the lease ends then at the latest. */
    record Wait(Duration remaining) implements LeaseReply {}
}
