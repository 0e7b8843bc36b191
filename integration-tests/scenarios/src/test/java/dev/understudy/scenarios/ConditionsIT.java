package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.understudy.CachedRepository;
import dev.understudy.model.Conflict;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Read;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Writes with a condition: insert, update, compare-and-set, in both modes. */
class ConditionsIT {
    private static final Versioning COLUMN = Versioning.column("us_version");
    private static final Duration LONG = Duration.ofSeconds(20);

    @RegisterExtension
    final Instances instances = new Instances();

    static Stream<Write> modes() {
        return Stream.of(Write.through(), Write.back());
    }

    static Stream<Arguments> increments() {
        return Stream.of(
                Arguments.of("through", List.of(Write.through())),
                Arguments.of("back", List.of(Write.back())),
                Arguments.of("mixed", List.of(Write.through(), Write.back())));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("increments")
    void update_byEightThreadsOnTwoInstances_losesNoIncrement(String name, List<Write> modes) {
        instances.createItems(COLUMN);
        List<CachedRepository<Long, Item>> on =
                List.of(instances.items(instances.open(), COLUMN), instances.items(instances.open(), COLUMN));
        on.get(0).save(Item.of(1, 0));
        List<Background<Integer>> threads = new ArrayList<>();
        for (int thread = 0; thread < 8; thread++) {
            CachedRepository<Long, Item> items = on.get(thread % 2);
            int first = thread / 2;
            threads.add(Background.begin(() -> {
                for (int i = 0; i < 25; i++) {
                    increment(items, modes.get((first + i) % modes.size()).timeout(LONG));
                }
                return 25;
            }));
        }
        threads.forEach(Background::end);
        assertThat(on.get(0).read(1L, Read.strong()).value()).contains(Item.of(1, 200));
        assertThat(on.get(0).drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT amount FROM item")).containsExactly("200");
    }

    private static void increment(CachedRepository<Long, Item> items, Write mode) {
        while (true) {
            try {
                items.update(1L, item -> item.plus(1), mode);
                return;
            } catch (Conflict e) {
                // Changed too often meanwhile, which the library may say; nothing was applied.
                assertThat(e.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            }
        }
    }

    @Test
    void update_withoutVersions_losesNoIncrement() {
        instances.createItems(Versioning.none());
        List<CachedRepository<Long, Item>> on = List.of(
                instances.items(instances.open(), Versioning.none()),
                instances.items(instances.open(), Versioning.none()));
        on.get(0).save(Item.of(1, 0));
        List<Background<Integer>> threads = new ArrayList<>();
        for (int thread = 0; thread < 4; thread++) {
            CachedRepository<Long, Item> items = on.get(thread % 2);
            threads.add(Background.begin(() -> {
                for (int i = 0; i < 25; i++) {
                    increment(items, Write.through().timeout(Duration.ofSeconds(8)));
                }
                return 25;
            }));
        }
        threads.forEach(Background::end);
        assertThat(instances.sql().rows("SELECT amount FROM item")).containsExactly("100");
    }

    @ParameterizedTest
    @MethodSource("modes")
    void ifVersion_thatIsNotCurrent_isAConflictWithTheCurrentOne(Write mode) {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        items.save(Item.of(1, 1));
        Versioned<Item> old = items.read(1L, Read.strong());
        Version current = items.save(Item.of(1, 2), mode).version();
        for (Write conditional : List.of(Write.through(), Write.back())) {
            Conflict conflict = catchThrowableOfType(
                    Conflict.class, () -> items.save(Item.of(1, 3), conditional.ifVersion(old.version())));
            assertThat(conflict.currentVersion()).isEqualTo(current);
            assertThat(conflict.outcome()).isEqualTo(Outcome.NOT_APPLIED);
            Conflict onDelete =
                    catchThrowableOfType(Conflict.class, () -> items.delete(1L, conditional.ifVersion(old.version())));
            assertThat(onDelete.currentVersion()).isEqualTo(current);
        }
        assertThat(items.find(1L)).contains(Item.of(1, 2));
        Version next = items.save(Item.of(1, 3), mode.ifVersion(current)).version();
        assertThat(next).isGreaterThan(current);
        items.delete(1L, mode.ifVersion(next));
        assertThat(items.find(1L)).isEmpty();
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id FROM item")).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("modes")
    void insert_ofAnExistingRow_isAConflict(Write mode) {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        instances.sql().run("INSERT INTO item VALUES (1, 'item 1', 1)");
        assertThatThrownBy(() -> items.insert(Item.of(1, 2), mode)).isInstanceOf(Conflict.class);
        items.insert(Item.of(2, 1), mode);
        assertThatThrownBy(() -> items.insert(Item.of(2, 2), mode)).isInstanceOf(Conflict.class);
        items.delete(2L, mode);
        items.insert(Item.of(2, 3), mode);
        assertThat(items.findAll(List.of(1L, 2L)).values()).containsExactly(Item.of(1, 1), Item.of(2, 3));
    }

    @ParameterizedTest
    @MethodSource("modes")
    void update_ofAMissingRow_isAConflictAndInsertsNothing(Write mode) {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> items = instances.items(instances.open(), COLUMN);
        Conflict conflict = catchThrowableOfType(Conflict.class, () -> items.update(1L, item -> item.plus(1), mode));
        assertThat(conflict.currentVersion()).isEqualTo(Version.ABSENT);
        assertThatThrownBy(() -> items.updateAll(List.of(Item.of(1, 1)), mode)).isInstanceOf(Conflict.class);
        assertThat(items.drain(Duration.ofSeconds(10))).isZero();
        assertThat(instances.sql().rows("SELECT id FROM item")).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("modes")
    void update_afterADelete_doesNotBringTheRowBack(Write mode) {
        instances.createItems(COLUMN);
        CachedRepository<Long, Item> one = instances.items(instances.open(), COLUMN);
        CachedRepository<Long, Item> two = instances.items(instances.open(), COLUMN);
        for (Write deletes : List.of(Write.through(), Write.back())) {
            one.save(Item.of(1, 1));
            assertThat(two.find(1L)).contains(Item.of(1, 1));
            one.delete(1L, deletes);
            assertThatThrownBy(() -> two.update(1L, item -> item.plus(1), mode)).isInstanceOf(Conflict.class);
            assertThatThrownBy(() -> two.updateAll(List.of(Item.of(1, 5)), mode))
                    .isInstanceOf(Conflict.class);
            assertThat(one.drain(Duration.ofSeconds(10))).isZero();
            assertThat(instances.sql().rows("SELECT id FROM item")).isEmpty();
        }
    }

    @Test
    void ifVersion_withoutAVersionColumn_isRefused() {
        instances.createItems(Versioning.none());
        CachedRepository<Long, Item> items = instances.items(instances.open(), Versioning.none());
        assertThatThrownBy(() -> items.save(Item.of(1, 1), Write.through().ifVersion(new Version(2))))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("version column");
    }
}
