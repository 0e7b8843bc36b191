package dev.understudy.adapters.redis;

import dev.understudy.servers.RedisServer;
import java.util.List;

/** A Redis of the simulator's own, without persistence, and a connection to it. Not thread-safe. */
final class SimulatedServer implements AutoCloseable {
    private final RedisServer server;
    private final RedisWire wire;

    private SimulatedServer(RedisServer server) {
        this.server = server;
        this.wire = new RedisWire(server.host(), server.port());
    }

    static SimulatedServer start() {
        return new SimulatedServer(RedisServer.builder()
                .arguments("--appendonly", "no", "--save", "")
                .start());
    }

    RedisWire wire() {
        return wire;
    }

    /** The shard, under those scripts. */
    ScriptedShard shard(List<Scripts.Script> scripts) {
        return new ScriptedShard(wire, scripts);
    }

    @Override
    public void close() {
        wire.close();
        server.close();
    }
}
