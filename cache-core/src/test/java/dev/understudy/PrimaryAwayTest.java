package dev.understudy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import dev.understudy.Cluster.Node;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Versioning;
import dev.understudy.spi.FaultySharedReplica.Fault;
import dev.understudy.spi.FaultySharedReplica.Reading;
import dev.understudy.spi.Item;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.SharedCommand;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A tier that is away is asked only now and then. */
class PrimaryAwayTest {
    private static final int CALLS = 50;

    private final Cluster cluster = new Cluster(Versioning.column("us_version"));
    private final AtomicInteger asked = new AtomicInteger();

    @AfterEach
    void close() {
        cluster.close();
    }

    @Test
    void saves_whileThePrimaryIsAway_areRefusedBeforeTheirFirstStep() {
        Node node = cluster.start(repository -> {});
        node.items.save(new Item(1, "old", 1));
        node.faults.every(SharedCommand.Prepare.class, Fault.before(asked::incrementAndGet));
        cluster.primary.away(true);

        long begin = System.nanoTime();
        for (int i = 0; i < CALLS; i++) {
            UnderstudyException refused =
                    catchThrowableOfType(UnderstudyException.class, () -> node.items.save(new Item(1, "new", 2)));
            assertThat(refused.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            assertThat(refused.tier()).isEqualTo(Tier.PRIMARY);
        }
        long quarters = Duration.ofNanos(System.nanoTime() - begin).toMillis() / 250;

        assertThat(asked.get()).isLessThanOrEqualTo(4 + (int) quarters);
        cluster.primary.away(false);
        await().atMost(Duration.ofSeconds(1)).ignoreExceptions().until(() -> {
            node.items.save(new Item(1, "new", 2));
            return true;
        });
    }

    @Test
    void saves_whileConnectionsAreInUse_areTriedEachTime() {
        Node node = cluster.start(repository -> {});
        for (int i = 0; i < 10; i++) {
            cluster.primary.failNext(new PrimaryFailure(
                    PrimaryFailure.Kind.NO_CONNECTION, "", Outcome.NOT_APPLIED, "all are in use", null));
            assertThatExceptionOfType(UnderstudyException.class)
                    .isThrownBy(() -> node.items.save(new Item(1, "new", 2)));
        }

        node.items.save(new Item(1, "newer", 3));
    }

    @Test
    void strongReads_whileTheSharedReplicaIsAway_askItOnlyNowAndThen() {
        Node node = cluster.start(repository -> {});
        node.items.save(new Item(1, "old", 1));
        node.faults.every(Reading.class, (call, send) -> {
            asked.incrementAndGet();
            return Fault.notSent().around(call, send);
        });

        long begin = System.nanoTime();
        for (int i = 0; i < CALLS; i++) {
            assertThat(node.items.read(1L, Read.strong()).value()).contains(new Item(1, "old", 1));
        }
        long quarters = Duration.ofNanos(System.nanoTime() - begin).toMillis() / 250;

        assertThat(asked.get()).isLessThanOrEqualTo(4 + (int) quarters);
    }
}
