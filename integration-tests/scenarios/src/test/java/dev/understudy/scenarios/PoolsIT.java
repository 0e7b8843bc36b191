package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import dev.understudy.CachedRepository;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Few connections and many callers: everybody gets an answer within the deadline, and nothing deadlocks. */
class PoolsIT {
    private static final Duration TIMEOUT = Duration.ofSeconds(2);
    /** What an answer may take beyond its deadline: the grace of one whose row is on its way, and a busy machine. */
    private static final Duration SLACK = Duration.ofSeconds(2);
    /** The same where no row is on its way. */
    private static final Duration REJECTION_SLACK = Duration.ofSeconds(1);

    private static final int CALLERS = 200;

    @RegisterExtension
    final Instances instances = new Instances();

    /** What a call came to. */
    private record Answer(Optional<UnderstudyException> failure, long nanos) {}

    private static Answer timed(Runnable call) {
        long begin = System.nanoTime();
        try {
            call.run();
            return new Answer(Optional.empty(), System.nanoTime() - begin);
        } catch (UnderstudyException e) {
            return new Answer(Optional.of(e), System.nanoTime() - begin);
        }
    }

    private HikariDataSource pool(int connections) {
        HikariDataSource pool = new HikariDataSource();
        pool.setJdbcUrl(instances.jdbcUrl());
        pool.setMaximumPoolSize(connections);
        pool.setMinimumIdle(1);
        return instances.closing(pool);
    }

    private Understudy understudy(HikariDataSource pool) {
        return instances.closing(Understudy.builder()
                .namespace(instances.namespace())
                .shared(Redis.at(instances.redisUri()))
                .primary(PostgresPrimary.on(pool))
                .build());
    }

    private static CachedRepository<Long, Item> items(Understudy understudy) {
        return understudy
                .repository(Item.table(Versioning.column("us_version")))
                .allowWriteBack(back -> {})
                .near(near -> near.maximumSize(0))
                .build();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 4})
    void callers_farMoreThanConnections_allGetTheirAnswers(int connections) {
        instances.createItems(Versioning.column("us_version"));
        CachedRepository<Long, Item> items = items(understudy(pool(connections)));
        List<Background<Answer>> calls = new ArrayList<>();
        for (int caller = 0; caller < CALLERS; caller++) {
            long id = caller;
            calls.add(Background.begin(() -> timed(() -> {
                Write through = Write.through().timeout(TIMEOUT);
                switch ((int) (id % 4)) {
                    case 0 -> items.save(Item.of(id, 1), through);
                    case 1 -> items.saveAll(List.of(Item.of(id, 1), Item.of(id + 1_000, 1)), through);
                    case 2 -> items.save(Item.of(id, 1), Write.back().timeout(TIMEOUT));
                    default -> items.read(id, Read.strong().timeout(TIMEOUT));
                }
            })));
        }
        int rows = 0;
        for (int caller = 0; caller < calls.size(); caller++) {
            Answer answer = calls.get(caller).end();
            assertThat(Duration.ofNanos(answer.nanos())).isLessThan(TIMEOUT.plus(SLACK));
            if (answer.failure().isEmpty()) {
                rows += List.of(1, 2, 1, 0).get(caller % 4);
            } else {
                assertThat(answer.failure().get().outcome())
                        .as("of a caller whose turn did not come")
                        .isEqualTo(Outcome.NOT_APPLIED);
            }
        }
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item")).isEqualTo(rows);
        assertThat(rows).isGreaterThan(50);
    }

    @Test
    void pool_thatStrangersHaveEmptied_isRejectedInTime() throws Exception {
        instances.createItems(Versioning.column("us_version"));
        HikariDataSource pool = pool(2);
        Understudy understudy = understudy(pool);
        CachedRepository<Long, Item> items = items(understudy);
        items.save(Item.of(1, 1));
        try (Connection one = pool.getConnection();
                Connection two = pool.getConnection()) {
            assertThat(one.isValid(1) && two.isValid(1)).isTrue();
            List<Background<Answer>> calls = new ArrayList<>();
            for (int caller = 0; caller < CALLERS; caller++) {
                long id = caller;
                calls.add(Background.begin(() -> timed(() -> {
                    if (id % 2 == 0) {
                        items.save(Item.of(1_000 + id, 1), Write.through().timeout(TIMEOUT));
                    } else {
                        items.read(id + 1_000, Read.strong().timeout(TIMEOUT));
                    }
                })));
            }
            assertThat(items.find(1L)).as("the shared replica answers").contains(Item.of(1, 1));
            for (Background<Answer> call : calls) {
                Answer answer = call.end();
                assertThat(answer.failure())
                        .get()
                        .satisfies(e -> assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED));
                assertThat(Duration.ofNanos(answer.nanos())).isLessThan(TIMEOUT.plus(REJECTION_SLACK));
            }
        }
        items.save(Item.of(2, 1));
        assertThat(items.find(2L)).contains(Item.of(2, 1));
    }

    /** A caller who holds the only connection reads and writes on it; one who asks for a second gets an answer in time. */
    @Test
    void transaction_onTheOnlyConnection_loadsOnIt() {
        instances.createItems(Versioning.column("us_version"));
        Understudy understudy = understudy(pool(1));
        CachedRepository<Long, Item> items = items(understudy);
        items.save(Item.of(1, 1));
        Answer inside = understudy.inTransaction(transaction -> {
            Map<Long, Item> found = transaction.on(items).findAll(List.of(1L));
            transaction.on(items).save(found.get(1L).plus(1));
            assertThat(transaction.on(items).find(1L)).contains(Item.of(1, 2));
            return timed(() -> items.read(99L, Read.strong().timeout(Duration.ofMillis(300))));
        });
        assertThat(inside.failure()).as("asked outside of the transaction").isPresent();
        assertThat(inside.nanos()).isLessThan(TimeUnit.SECONDS.toNanos(2));
        assertThat(items.read(1L, Read.strong()).value()).contains(Item.of(1, 2));
    }
}
