package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What one instance writes, the other reads. */
class TwoInstancesIT {
    @RegisterExtension
    final Instances instances = new Instances();

    /** Every versioning with the modes that it allows. */
    static Stream<Arguments> modes() {
        return Stream.of(
                Arguments.of("none", Versioning.none(), Write.through()),
                Arguments.of("column", Versioning.column("us_version"), Write.through()),
                Arguments.of("column", Versioning.column("us_version"), Write.back()),
                Arguments.of("trigger", Versioning.columnAndTrigger("us_version"), Write.through()),
                Arguments.of("trigger", Versioning.columnAndTrigger("us_version"), Write.back()));
    }

    @ParameterizedTest(name = "{0} {2}")
    @MethodSource("modes")
    void save_onOneInstance_isReadOnTheOther(String name, Versioning versioning, Write mode) {
        instances.createItems(versioning);
        CachedRepository<Long, Item> one = instances.items(instances.open(), versioning);
        CachedRepository<Long, Item> other = instances.items(instances.open(), versioning);
        assertThat(other.find(1L)).as("negative").isEmpty();
        for (int amount = 1; amount <= 3; amount++) {
            Item item = Item.of(1, amount);
            one.save(item, mode);
            assertThat(other.read(1L, Read.strong()).value()).as("strong").contains(item);
            await().atMost(Instances.MAX_STALENESS)
                    .pollInterval(Duration.ofMillis(2))
                    .untilAsserted(() -> assertThat(other.find(1L)).contains(item));
            assertThat(one.find(1L)).as("own").contains(item);
        }
        one.delete(1L, mode);
        assertThat(other.read(1L, Read.strong()).value()).as("strong").isEmpty();
        await().atMost(Instances.MAX_STALENESS)
                .pollInterval(Duration.ofMillis(2))
                .untilAsserted(() -> assertThat(other.find(1L)).isEmpty());
        assertThat(one.find(1L)).as("own").isEmpty();
    }
}
