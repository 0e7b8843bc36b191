package dev.understudy.sim;

import dev.understudy.SimulatedSettings;
import dev.understudy.engine.CacheEngine;
import dev.understudy.engine.RepositorySettings;
import dev.understudy.engine.SteppedEngine;
import dev.understudy.model.ShardKey;
import dev.understudy.sim.Faults.Kind;
import dev.understudy.spi.CommitLog;
import dev.understudy.spi.InMemoryCodec;
import dev.understudy.spi.InMemoryEntry;
import dev.understudy.spi.InMemoryNearReplica;
import dev.understudy.spi.InMemoryPrimary;
import dev.understudy.spi.InMemorySharedServer;
import dev.understudy.spi.InMemoryStore;
import dev.understudy.spi.Item;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;

/** The servers, the instances and what befalls them. Confined to the running actor. */
final class World {
    static final Duration STALENESS = Duration.ofMillis(600);
    /** Below the time that a run is given to come to rest: what a vanished writer committed, near replicas notice by it at the latest. */
    private static final Duration NEAR_LIFE = Duration.ofSeconds(30);

    private static final String NAMESPACE = "shop";
    private static final String TABLE = "item";
    private static final Duration MARKER = Duration.ofSeconds(10);
    /** Servers' clocks differ by less than the margin that the engine keeps for it. */
    private static final long SERVER_SKEW = 40_000_000;

    private static final long LEAD = 300_000_000;
    private static final long INSTANCE_SKEW = 2_000_000_000;

    final Plan plan;
    final Random random;
    final Scheduler scheduler;
    final Faults faults;
    final InMemorySharedServer server;
    final CommitLog commits;
    final RepositorySettings settings;
    final List<Instance> instances = new ArrayList<>();
    private final InMemoryPrimary primary;
    private final SimulatedClock serverClock;
    private final SimulatedClock primaryClock;
    private final InMemoryStore<Long, Item> store;
    private InMemorySharedServer.Snapshot snapshot;
    private long mendAt = Long.MAX_VALUE;
    private int crashes;

    /** One running copy of the library. */
    final class Instance {
        final int number;
        final SimulatedReplica replica;
        final SimulatedClock clock = new SimulatedClock(scheduler);
        final CacheEngine.LateWrites late = new CacheEngine.LateWrites();
        final SteppedEngine<Long, Item> stepped;
        boolean isAlive = true;

        private Instance(int number) {
            this.number = number;
            this.replica = new SimulatedReplica(number, server.connect(), scheduler, faults);
            CacheEngine.Instance parts = new CacheEngine.Instance(
                    NAMESPACE,
                    "owner-" + number,
                    replica,
                    new SimulatedPrimary(primary, scheduler, faults),
                    InMemoryNearReplica.factory(),
                    new InMemoryCodec(),
                    clock,
                    late);
            this.stepped = new SteppedEngine<>(parts, store, settings);
        }

        CacheEngine<Long, Item> engine() {
            return stepped.engine();
        }
    }

    World(long seed) {
        random = new Random(seed * 0x9E3779B97F4A7C15L + 1);
        plan = Plan.of(random);
        scheduler = new Scheduler(random, plan.switches());
        faults = new Faults(random);
        plan.faults().forEach(kind -> faults.enable(kind, plan.intensity()));
        serverClock = new SimulatedClock(scheduler);
        primaryClock = new SimulatedClock(scheduler);
        server = new InMemorySharedServer(serverClock);
        primary = new InMemoryPrimary(primaryClock, new RowLocks(scheduler));
        commits = new CommitLog(primary, TABLE);
        store = new InMemoryStore<>(TABLE, Long.class, Item.class, plan.versioning(), Item::id);
        settings = SimulatedSettings.of(store, repository -> {
            repository.timeout(Duration.ofSeconds(2));
            repository.shared(shared -> shared.shards(plan.shards())
                    .timeToLive(Duration.ofDays(1))
                    .negativeTimeToLive(Duration.ofHours(1))
                    .marker(MARKER)
                    .lease(Duration.ofSeconds(3)));
            repository.near(
                    near -> near.maximumSize(100).maxStaleness(STALENESS).timeToLive(NEAR_LIFE));
            if (plan.back()) {
                repository.allowWriteBack(back -> back.delay(Duration.ofMillis(10))
                        .batch(plan.batch())
                        .maximumPending(plan.shards() * 2)
                        .lease(Duration.ofSeconds(5)));
            }
        });
        snapshot = server.snapshot();
    }

    /** Starts an instance; the calling actor steps meanwhile. */
    Instance start() {
        Instance instance = new Instance(instances.size());
        instances.add(instance);
        return instance;
    }

    List<Instance> alive() {
        return instances.stream().filter(instance -> instance.isAlive).toList();
    }

    boolean hasLostMemory() {
        return faults.count(Kind.MEMORY_LOST) > 0;
    }

    Optional<InMemoryEntry> entry(long key) {
        return server.entry(NAMESPACE, TABLE, address(key));
    }

    ShardKey address(long key) {
        return ShardKey.of(Long.toString(key), plan.shards());
    }

    long pending() {
        long sum = 0;
        for (int shard = 0; shard < plan.shards(); shard++) {
            sum += server.queue(NAMESPACE, TABLE, shard).size();
        }
        return sum;
    }

    /** What happens by itself at a step. */
    void befall() {
        List<Instance> alive = alive();
        if (alive.isEmpty()) {
            return;
        }
        Instance any = alive.get(random.nextInt(alive.size()));
        if (random.nextBoolean()) {
            any.replica.deliver();
        }
        if (random.nextInt(20) == 0) {
            any.replica.land();
        }
        if (faults.hits(Kind.PAUSE)) {
            scheduler.advance(random.nextInt(4) == 0 ? random.nextLong(12_000_000_000L) : random.nextInt(400_000_000));
        }
        if (faults.hits(Kind.FREEZE)) {
            scheduler.freeze(any.number, 5 + random.nextInt(150));
        }
        if (faults.hits(Kind.CLOCK)) {
            serverClock.wrong(skew(SERVER_SKEW));
            primaryClock.wrong(skew(SERVER_SKEW));
            any.clock.wrong(skew(INSTANCE_SKEW));
        }
        if (faults.hits(Kind.EVICTION)) {
            evict(1 + random.nextInt(plan.keys()));
        }
        connections(any);
        memory();
    }

    private long skew(long most) {
        return random.nextLong(2 * most) - most;
    }

    private void connections(Instance any) {
        if (faults.hits(Kind.RECONNECT)) {
            any.replica.reconnect();
        }
        if (faults.hits(Kind.CUT)) {
            any.replica.cut(true);
            mendAt = scheduler.now() + random.nextLong(3_000_000_000L);
        }
        if (scheduler.now() > mendAt) {
            mend();
        }
        if (crashes < 3 && faults.hits(Kind.CRASH)) {
            crashes++;
            crash(any);
        }
    }

    private void mend() {
        mendAt = Long.MAX_VALUE;
        alive().forEach(instance -> instance.replica.cut(false));
    }

    private void crash(Instance instance) {
        instance.isAlive = false;
        scheduler.kill(instance.number);
        instance.replica.dead(random.nextBoolean());
    }

    private void evict(long key) {
        Optional<InMemoryEntry> entry = entry(key);
        boolean mayGo = entry.isPresent() && entry.get().expiresMillis() != InMemoryEntry.FOREVER;
        if (mayGo) {
            server.evict(NAMESPACE, TABLE, address(key));
        }
    }

    private void memory() {
        if (random.nextInt(60) == 0) {
            snapshot = server.snapshot();
        }
        if (faults.hits(Kind.RESTART)) {
            server.restart();
        }
        if (faults.hits(Kind.MEMORY_LOST)) {
            // Nobody loses his memory twice within the lead that versions of a new generation get.
            scheduler.advance(LEAD);
            if (random.nextInt(4) == 0) {
                server.flush();
            } else {
                server.rollback(snapshot);
            }
        }
    }

    /** No more faults: everything is connected, delivered and arrived. */
    void calm() {
        faults.on(false);
        scheduler.thaw();
        mend();
        settleMessages();
    }

    void settleMessages() {
        for (Instance instance : alive()) {
            while (instance.replica.land()) {
                // What was under way arrives.
            }
        }
        for (Instance instance : alive()) {
            while (instance.replica.deliver()) {
                // In order.
            }
        }
    }
}
