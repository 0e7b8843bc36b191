package dev.understudy.adapters.redis;

import dev.understudy.servers.RedisServer;
import dev.understudy.spi.ManualClock;
import dev.understudy.spi.SharedReplica;
import dev.understudy.spi.SharedReplicaContract;
import dev.understudy.spi.WriteBackContract;
import dev.understudy.spi.WriteThroughContract;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;

/** Redis against the contracts of the shared replica, with the scripts' clock in the test's hand. */
final class RedisReplicaTest {
    private static RedisServer server;
    private static RedisWire wire;

    private final ManualClock clock = new ManualClock();

    @BeforeAll
    static void startServer() {
        server = RedisServer.builder().arguments("--save", "").start();
        wire = new RedisWire(server.host(), server.port());
    }

    @AfterAll
    static void closeServer() {
        wire.close();
        server.close();
    }

    @BeforeEach
    void flushAll() {
        wire.call("FLUSHALL");
        clock.setMicros(Instant.parse("2026-01-01T00:00:00Z").toEpochMilli() * 1_000);
    }

    private SharedReplica open() {
        Injected injected = new Injected(clock::micros, Injected.NOTHING.candidates(), Injected.NOTHING.eras());
        return Redis.at(server.uri()).injected(injected).get();
    }

    /** One instance or two. */
    @Nested
    final class Basics extends SharedReplicaContract {
        @Override
        protected SharedReplica connect() {
            return open();
        }

        @Override
        protected void flush() {
            wire.call("FLUSHALL");
        }

        @Override
        protected void disconnect(SharedReplica replica) {
            wire.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
            wire.call("CLIENT", "KILL", "TYPE", "pubsub");
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
            return open();
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
            return open();
        }

        @Override
        protected void advance(Duration step) {
            clock.advance(step);
        }
    }
}
