package dev.understudy.adapters.redis;
import java.util.List;
final class SimulatedServer implements AutoCloseable {
    private final RedisWire wire = new RedisWire("127.0.0.1", Integer.getInteger("sim.port", 56390));
    static SimulatedServer start() { return new SimulatedServer(); }
    ScriptedShard shard(List<Scripts.Script> scripts) { return new ScriptedShard(wire, scripts); }
    @Override public void close() { wire.close(); }
}
