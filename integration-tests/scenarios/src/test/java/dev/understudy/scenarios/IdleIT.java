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

    /** Rows written by anybody in this database, and how often the shards' rows were. */
    private String written() {
        instances.sql().run("SELECT pg_stat_force_next_flush()");
        return instances
                .sql()
                .row("SELECT string_agg(relname || ':' || n_tup_ins + n_tup_upd + n_tup_del, ' ' ORDER BY relname)"
                        + " FROM pg_stat_user_tables")
                .orElseThrow();
    }
}
