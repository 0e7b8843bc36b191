package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.stream.LongStream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A column is renamed under a running application: its pending writes stay pending until the definition fits again. */
class RenamedColumnIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    /** Few, so that the kind of the error alone must tell, and more than are ever taken for bad data. */
    @ParameterizedTest(name = "{0} rows")
    @ValueSource(ints = {5, 50})
    void drain_ofARenamedColumn_keepsEverythingPendingAndBuriesNothing(int rows) {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        items.pauseDrain();
        items.saveAll(
                LongStream.rangeClosed(1, rows).mapToObj(id -> Item.of(id, id)).toList(), Write.back());
        instances.sql().run("ALTER TABLE item RENAME COLUMN amount TO quantity");
        items.resumeDrain();
        await().atMost(Duration.ofSeconds(20))
                .until(() -> items.counters().drainFailures.sum() >= 3
                        || items.writeBackStatus().dead() > 0);
        assertThat(items.deadLetters(100)).isEmpty();
        assertThat(items.writeBackStatus().dead()).isZero();
        assertThat(items.writeBackStatus().pending()).isEqualTo(rows);
        instances.sql().run("ALTER TABLE item RENAME COLUMN quantity TO amount");
        assertThat(items.drain(Duration.ofSeconds(20))).isZero();
        assertThat(instances.sql().number("SELECT count(*) FROM item WHERE amount = id"))
                .isEqualTo(rows);
    }
}
