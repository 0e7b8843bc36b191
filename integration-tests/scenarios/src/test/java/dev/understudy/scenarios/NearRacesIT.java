package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteMode;
import dev.understudy.servers.RedisConsole;
import dev.understudy.servers.RedisServer;
import dev.understudy.servers.TcpProxy;
import dev.understudy.spi.FaultySharedReplica;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Hold;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What a near replica takes in, against what makes it worthless: in both orders, whatever came first. Loads that race with writes are in
 * {@link LateFillIT}.
 */
class NearRacesIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final long ID = 1;
    private static final Item OLD = Item.of(ID, 1);
    private static final Item NEW = Item.of(ID, 2);

    @RegisterExtension
    final Instances instances = new Instances();

    private RedisServer redis;
    private TcpProxy proxy;
    private Instance reading;
    private CachedRepository<Long, Item> reader;
    private CachedRepository<Long, Item> other;
    private long announced;

    /** How the reader misses what is announced. */
    private enum Loss {
        /** It is cut off while the other writes, and connects again. */
        CONNECTION,
        /** Redis is emptied. */
        FLUSH,
        /** Redis is killed, and starts with its file. */
        RESTART
    }

    @BeforeEach
    void start() {
        redis = instances.closing(RedisServer.builder().start());
        proxy = instances.closing(TcpProxy.to(redis));
        instances.createItems(COLUMN);
        instances.redisUri(proxy.redisUri());
        reading = instances.open();
        reader = instances.items(reading, COLUMN);
        instances.redisUri(redis.uri());
        other = instances.items(instances.open(), COLUMN);
        other.save(OLD);
        awaitAnnounced();
    }

    /** Waits until the reader has heard of everything that was announced in the row's shard so far and serves it from its near replica again. */
    private void awaitAnnounced() {
        long neighbour = Keys.neighbour(ID);
        Item next = Item.of(neighbour, ++announced);
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(UnderstudyException.class)
                .until(() -> other.save(next).mode() == WriteMode.THROUGH);
        await().atMost(LIMIT)
                .pollInterval(Duration.ofMillis(2))
                .ignoreExceptionsInstanceOf(UnderstudyException.class)
                .until(() -> {
                    Versioned<Item> found = reader.read(neighbour, Read.defaults());
                    return found.value().equals(Optional.of(next)) && found.tier() == Tier.NEAR;
                });
    }

    private void miss(Loss loss) {
        switch (loss) {
            case CONNECTION -> proxy.refuse();
            case FLUSH -> {
                try (RedisConsole console = new RedisConsole(redis)) {
                    console.call("FLUSHALL");
                }
            }
            case RESTART -> {
                redis.kill();
                redis.start();
            }
        }
        await().atMost(LIMIT)
                .ignoreExceptionsInstanceOf(UnderstudyException.class)
                .until(() -> other.save(NEW).mode() == WriteMode.THROUGH);
        proxy.pass();
        awaitAnnounced();
    }

    @ParameterizedTest
    @CsvSource({"CONNECTION,true", "CONNECTION,false", "FLUSH,true", "FLUSH,false", "RESTART,true", "RESTART,false"})
    void load_acrossALossOfAnnouncements_isNotServedAfterwards(Loss loss, boolean isInstalledLast)
            throws InterruptedException {
        Hold hold = new Hold();
        reading.replica().next(FaultySharedReplica.Reading.class, Fault.heldAfter(hold));
        Background<Optional<Item>> load = Background.begin(
                () -> reader.read(ID, Read.defaults().timeout(LIMIT)).value());
        assertThat(hold.awaitArrival(LIMIT)).isTrue();
        if (isInstalledLast) {
            miss(loss);
            hold.release();
            load.end();
        } else {
            hold.release();
            assertThat(load.end()).contains(OLD);
            miss(loss);
        }
        assertThat(reader.find(ID)).contains(NEW);
    }

    @ParameterizedTest
    @CsvSource({"THROUGH,true", "THROUGH,false", "BACK,true", "BACK,false"})
    void ownWrite_andAnotherInstancesLaterOne_leaveTheLaterOne(WriteMode mode, boolean isInstalledLast)
            throws InterruptedException {
        Write write = mode == WriteMode.THROUGH ? Write.through() : Write.back();
        Item latest = Item.of(ID, 3);
        Hold hold = new Hold();
        reading.replica()
                .next(
                        mode == WriteMode.THROUGH ? SharedCommand.Apply.class : SharedCommand.WriteBack.class,
                        Fault.heldAfter(hold));
        Background<?> own = Background.begin(() -> reader.save(NEW, write.timeout(LIMIT)));
        assertThat(hold.awaitArrival(LIMIT)).isTrue();
        // It was sent: now it has its place in the order too.
        await().atMost(LIMIT).until(() -> other.read(ID, Read.strong()).value().equals(Optional.of(NEW)));
        if (isInstalledLast) {
            other.save(latest, write);
            awaitAnnounced();
            hold.release();
            own.end();
        } else {
            hold.release();
            own.end();
            assertThat(reader.find(ID)).contains(NEW);
            other.save(latest, write);
            awaitAnnounced();
        }
        assertThat(reader.find(ID)).contains(latest);
    }
}
