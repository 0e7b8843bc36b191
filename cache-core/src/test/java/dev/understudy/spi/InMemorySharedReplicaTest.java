package dev.understudy.spi;

import java.time.Duration;
import org.junit.jupiter.api.Nested;

/** The in-memory twin against the contracts of the shared replica. */
final class InMemorySharedReplicaTest {
    private final ManualClock clock = new ManualClock();
    private final InMemorySharedServer server = new InMemorySharedServer(clock);

    /** One instance or two. */
    @Nested
    final class Basics extends SharedReplicaContract {
        @Override
        protected SharedReplica connect() {
            return server.connect();
        }

        @Override
        protected void flush() {
            server.flush();
        }

        @Override
        protected void disconnect(SharedReplica replica) {
            ((InMemorySharedReplica) replica).disconnect();
        }

        @Override
        protected void advance(Duration step) {
            clock.advance(step);
        }
    }

    /** Leases, fills, markers, invalidations. */
    @Nested
    final class WriteThroughs extends WriteThroughContract {
        @Override
        protected SharedReplica connect() {
            return server.connect();
        }

        @Override
        protected void advance(Duration step) {
            clock.advance(step);
        }
    }

    /** Pending writes. */
    @Nested
    final class WriteBacks extends WriteBackContract {
        @Override
        protected SharedReplica connect() {
            return server.connect();
        }

        @Override
        protected void advance(Duration step) {
            clock.advance(step);
        }
    }
}
