package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.CachedRepository;
import dev.understudy.model.Read;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Saves and deletes of one key, in both modes and mixed, on one instance and on two, end as their order says, in all places. */
class OrderIT {
    @RegisterExtension
    final Instances instances = new Instances();

    static Stream<Arguments> versionings() {
        List<Arguments> all = new ArrayList<>();
        for (Versioning versioning :
                List.of(Versioning.column("us_version"), Versioning.columnAndTrigger("us_version"))) {
            all.add(Arguments.of(versioning, true));
            all.add(Arguments.of(versioning, false));
        }
        return all.stream();
    }

    @ParameterizedTest(name = "{0} drains={1}")
    @MethodSource("versionings")
    void savesAndDeletes_inAllModesAndOrders_endAsTheLastSays(Versioning versioning, boolean drains) {
        instances.createItems(versioning);
        CachedRepository<Long, Item> one = instances.items(instances.open(), versioning);
        CachedRepository<Long, Item> two = instances.items(instances.open(), versioning);
        if (!drains) {
            one.pauseDrain();
            two.pauseDrain();
        }
        Map<Long, Optional<Item>> expected = new LinkedHashMap<>();
        long key = 0;
        List<Write> modes = List.of(Write.through(), Write.back());
        for (int combination = 0; combination < 64; combination++) {
            long id = ++key;
            Write first = modes.get(combination & 1);
            Write second = modes.get(combination >> 1 & 1);
            boolean deletesLast = (combination >> 2 & 1) == 0;
            CachedRepository<Long, Item> next = (combination >> 3 & 1) == 0 ? one : two;
            boolean existed = (combination >> 4 & 1) == 1;
            boolean wasRead = (combination >> 5 & 1) == 1;
            if (existed) {
                instances.sql().run("INSERT INTO item VALUES (" + id + ", 'item " + id + "', 1)");
            }
            if (wasRead) {
                assertThat(one.find(id).isPresent()).isEqualTo(existed);
                assertThat(two.find(id).isPresent()).isEqualTo(existed);
            }
            Item written = Item.of(id, 2);
            if (deletesLast) {
                one.save(written, first);
                next.delete(id, second);
            } else {
                one.delete(id, first);
                next.save(written, second);
            }
            Optional<Item> outcome = deletesLast ? Optional.empty() : Optional.of(written);
            expected.put(id, outcome);
            assertThat(one.read(id, Read.strong()).value())
                    .as("strong, %s", combination)
                    .isEqualTo(outcome);
            assertThat(next.find(id)).as("own, %s", combination).isEqualTo(outcome);
        }
        one.resumeDrain();
        two.resumeDrain();
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        List<String> rows = instances.sql().rows("SELECT id, amount FROM item ORDER BY id");
        assertThat(rows)
                .containsExactlyElementsOf(expected.entrySet().stream()
                        .filter(entry -> entry.getValue().isPresent())
                        .map(entry -> entry.getKey() + "|2")
                        .toList());
    }

    @Test
    void savesAndDeletes_withoutVersions_endAsTheLastSays() {
        Versioning versioning = Versioning.none();
        instances.createItems(versioning);
        CachedRepository<Long, Item> one = instances.items(instances.open(), versioning);
        CachedRepository<Long, Item> two = instances.items(instances.open(), versioning);
        for (CachedRepository<Long, Item> next : List.of(one, two)) {
            Item written = Item.of(1, 2);
            one.save(written);
            next.delete(1L);
            assertThat(next.find(1L)).isEmpty();
            assertThat(one.read(1L, Read.strong()).value()).isEmpty();
            one.delete(2L);
            next.save(Item.of(2, 2));
            assertThat(next.find(2L)).contains(Item.of(2, 2));
            assertThat(one.read(2L, Read.strong()).value()).contains(Item.of(2, 2));
        }
        assertThat(instances.sql().rows("SELECT id, amount FROM item")).containsExactly("2|2");
    }
}
