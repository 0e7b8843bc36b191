package dev.understudy.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Outcome;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class InMemoryPrimaryTest {
    private static InMemoryStore<Long, Item> items(Versioning versioning) {
        return new InMemoryStore<>("item", Long.class, Item.class, versioning, Item::id);
    }

    @Nested
    class Rows extends PrimaryContract {
        private final Primary primary = new InMemoryPrimary();
        private final Map<Versioning, PrimaryStore<Long, Item>> stores = new HashMap<>();

        @Override
        protected Primary primary() {
            return primary;
        }

        @Override
        protected PrimaryStore<Long, Item> store(Versioning versioning) {
            return stores.computeIfAbsent(versioning, InMemoryPrimaryTest::items);
        }
    }

    @Nested
    class Ledger extends LedgerContract {
        private final Primary primary = new InMemoryPrimary();

        @Override
        protected Primary primary() {
            return primary;
        }
    }

    @Nested
    class Notes extends OutboxContract {
        private final Primary primary = new InMemoryPrimary();

        @Override
        protected Primary primary() {
            return primary;
        }
    }

    @Nested
    class Faults {
        private final InMemoryPrimary primary = new InMemoryPrimary();
        private final InMemoryStore<Long, Item> store = items(Versioning.column("us_version"));

        private void save(String name) {
            Item item = new Item(1, name, 0);
            primary.call(
                    Primary.Use.COMMIT,
                    PrimaryContract.TIMEOUT,
                    connection -> store.apply(
                            connection,
                            List.of(new Change<>(1L, Optional.of(item), Version.ABSENT, Change.Guard.NONE))));
        }

        private Optional<String> stored() {
            return primary.call(
                    Primary.Use.LOAD,
                    PrimaryContract.TIMEOUT,
                    connection -> Optional.ofNullable(
                                    store.load(connection, List.of(1L)).get(1L))
                            .map(row -> row.value().name()));
        }

        @Test
        void failNext_failsOneCallBeforeItsWork() {
            primary.failNext(
                    new PrimaryFailure(PrimaryFailure.Kind.TRANSIENT, "40001", Outcome.NOT_APPLIED, "as asked", null));
            assertThatThrownBy(() -> save("a")).isInstanceOf(PrimaryFailure.class);
            save("b");
            assertThat(stored()).contains("b");
            assertThat(primary.commits()).isOne();
        }

        @Test
        void loseNextCommitReply_commitsAndSaysUnknown() {
            primary.loseNextCommitReply();
            assertThatThrownBy(() -> save("a"))
                    .isInstanceOfSatisfying(
                            PrimaryFailure.class, e -> assertThat(e.outcome()).isEqualTo(Outcome.UNKNOWN));
            assertThat(stored()).contains("a");
        }

        @Test
        void beforeNextCommit_thatThrows_rollsBack() {
            primary.beforeNextCommit(() -> {
                throw new IllegalStateException("as asked");
            });
            assertThatThrownBy(() -> save("a")).isInstanceOf(IllegalStateException.class);
            assertThat(stored()).isEmpty();
        }

        @Test
        void afterNextCommit_seesWhatWasCommitted() {
            StringBuilder seen = new StringBuilder();
            primary.afterNextCommit(() -> seen.append(stored().orElse("nothing")));
            save("a");
            assertThat(seen).hasToString("a");
        }

        @Test
        void away_failsEveryCallUntilItIsBack() {
            primary.away(true);
            assertThatThrownBy(this::stored)
                    .isInstanceOfSatisfying(
                            PrimaryFailure.class,
                            e -> assertThat(e.kind()).isEqualTo(PrimaryFailure.Kind.NO_CONNECTION));
            primary.away(false);
            assertThat(stored()).isEmpty();
        }

        @Test
        void store_withTriggerAndConstraint_changesAndRefuses() {
            store.storing(item -> new Item(item.id(), item.name().strip(), item.amount()))
                    .refusing(item -> item.name().isEmpty());
            save(" a ");
            assertThat(stored()).contains("a");
            assertThatThrownBy(() -> save(""))
                    .isInstanceOfSatisfying(
                            PrimaryFailure.class, e -> assertThat(e.kind()).isEqualTo(PrimaryFailure.Kind.DATA));
        }
    }
}
