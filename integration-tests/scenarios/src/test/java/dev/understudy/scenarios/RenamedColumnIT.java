package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A column is renamed under a running application: its pending writes stay pending until the definition fits again. */
class RenamedColumnIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    @Test
    void drain_ofARenamedColumn_keepsEverythingPendingAndBuriesNothing() {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        items.pauseDrain();
        items.saveAll(
                LongStream.rangeClosed(1, 50).mapToObj(id -> Item.of(id, id)).toList(), Write.back());
        instances.sql().run("ALTER TABLE item RENAME COLUMN amount TO quantity");
        items.resumeDrain();
        await().atMost(Duration.ofSeconds(20))
                .until(() -> items.counters().drainFailures.sum() >= 3);
        assertThat(items.deadLetters(100)).isEmpty();
        assertThat(items.writeBackStatus().dead()).isZero();
        assertThat(items.writeBackStatus().pending()).isEqualTo(50);
        instances.sql().run("ALTER TABLE item RENAME COLUMN quantity TO amount");
        assertThat(items.drain(Duration.ofSeconds(20))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                .isEqualTo(50);
    }
}
