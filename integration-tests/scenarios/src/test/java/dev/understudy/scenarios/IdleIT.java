package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** An application that does nothing costs Postgres a look at the outbox every second, and writes nothing. */
class IdleIT {
    private static final Duration REST = Duration.ofSeconds(3);

    @RegisterExtension
    final Instances instances = new Instances();

    @Test
    void idleInstances_afterWriteBack_lookAtTheOutboxAndWriteNothing() {
        Versioning versioning = Versioning.column("us_version");
        instances.createItems(versioning);
        Instance here = instances.open();
        Instance there = instances.open();
        CachedRepository<Long, Item> items = instances.items(here, versioning);
        instances.items(there, versioning);
        items.saveAll(List.of(Item.of(1, 1), Item.of(2, 1)), Write.back());
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        await("the leases are given back")
                .atMost(Duration.ofSeconds(10))
                .until(() -> instances.sql().number("SELECT count(*) FROM us_shard WHERE owner <> ''") == 0);
        await("the release is over").atMost(Duration.ofSeconds(5)).until(() -> here.activeConnections() == 0);
        String written = written();
        here.statements().clear();
        there.statements().clear();
        await("a rest")
                .during(REST)
                .atMost(REST.multipliedBy(3))
                .until(() -> here.statements().matching(IdleIT::isMore).isEmpty()
                        && there.statements().matching(IdleIT::isMore).isEmpty());
        assertThat(written()).isEqualTo(written);
    }

    private static boolean isMore(String statement) {
        boolean isLook = statement.contains("us_invalidation") && statement.startsWith("SELECT EXISTS");
        return !isLook && !statement.equals("SELECT set_config('statement_timeout', ?, true)");
    }

    /** Where each row lies and which transaction wrote it: exact at once, as the server's statistics are not. */
    private String written() {
        StringBuilder rows = new StringBuilder();
        for (String table : List.of("item", "us_shard", "us_tombstone", "us_dead_letter", "us_invalidation")) {
            rows.append(instances.sql().rows("SELECT ctid::text || ' ' || xmin FROM " + table + " ORDER BY ctid"));
        }
        return rows.toString();
    }
}
