package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.understudy.CachedRepository;
import dev.understudy.engine.Overflow;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Rejected;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import dev.understudy.model.WriteBackStatus;
import dev.understudy.model.WriteMode;
import dev.understudy.servers.RedisConsole;
import dev.understudy.servers.RedisServer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Redis is out of memory while many writes are pending. */
class RedisFullIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final int PENDING = 10_000;

    @RegisterExtension
    final Instances instances = new Instances();

    @Test
    void redisOutOfMemory_withTenThousandPending_countsAsFullAndDrainsEveryOne() {
        RedisServer redis = instances.closing(RedisServer.builder().start());
        instances.redisUri(redis.uri());
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> rejecting = instances.items(
                instances.open(), COLUMN, settings -> settings.allowWriteBack(back -> back.overflow(Overflow.REJECT)));
        CachedRepository<Long, Item> through = instances.items(instances.open(), COLUMN);
        rejecting.pauseDrain();
        through.pauseDrain();
        for (int from = 1; from <= PENDING; from += 500) {
            List<Item> rows = new ArrayList<>();
            for (int id = from; id < from + 500; id++) {
                rows.add(Item.of(id, id));
            }
            assertThat(rejecting.saveAll(rows, Write.back().timeout(Duration.ofSeconds(10))))
                    .hasSize(500);
        }
        try (RedisConsole console = new RedisConsole(redis)) {
            console.call("CONFIG SET maxmemory 1mb");
            Rejected rejected =
                    catchThrowableOfType(Rejected.class, () -> rejecting.save(Item.of(20_001, 1), Write.back()));
            assertThat(rejected).isNotNull();
            assertThat(rejected.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            assertThat(catchThrowableOfType(Rejected.class, () -> rejecting.save(Item.of(1, 7), Write.back())))
                    .as("a pending key")
                    .isNotNull();
            assertThat(through.save(Item.of(20_002, 1), Write.back()).mode()).isEqualTo(WriteMode.THROUGH);
            assertThat(through.save(Item.of(2, 7), Write.back()).mode())
                    .as("a pending key")
                    .isEqualTo(WriteMode.THROUGH);
            through.delete(3L, Write.through());
            assertThat(rejecting.read(1L, Read.strong()).value()).contains(Item.of(1, 1));
            rejecting.resumeDrain();
            through.resumeDrain();
            assertThat(rejecting.drain(Duration.ofSeconds(30))).isZero();
            WriteBackStatus status = rejecting.writeBackStatus();
            assertThat(status.acked()).isEqualTo(PENDING);
            assertThat(status.applied()).isEqualTo(PENDING - 2);
            assertThat(status.superseded()).isEqualTo(2);
            assertThat(instances.sql().rows("SELECT id, amount FROM item WHERE amount <> id ORDER BY id"))
                    .containsExactly("2|7", "20002|1");
            assertThat(instances.sql().number("SELECT count(*) FROM item")).isEqualTo(PENDING);
            console.call("CONFIG SET maxmemory 0");
        }
        rejecting.save(Item.of(20_001, 2), Write.back());
    }
}
