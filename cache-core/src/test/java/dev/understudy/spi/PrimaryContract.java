package dev.understudy.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Applied.Deleted;
import dev.understudy.spi.Applied.Refused;
import dev.understudy.spi.Applied.Stored;
import dev.understudy.spi.Change.Guard;
import dev.understudy.spi.Primary.Use;
import dev.understudy.spi.Primary.Work;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every primary and its store must do; extended for each adapter and for the in-memory twin. */
public abstract class PrimaryContract {
    /** Long enough for any one transaction of these tests. */
    protected static final Duration TIMEOUT = Duration.ofSeconds(20);
    /** Even, as the shared replica's, and in the past. */
    private static final Version V10 = new Version(1_700_000_000_000_010L);

    private static final Version V20 = new Version(1_700_000_000_000_020L);
    private static final Version V30 = new Version(1_700_000_000_000_030L);

    /** The two ways to have versions, which differ only for writers that go around the library. */
    protected enum Versioned {
        COLUMN(Versioning.column("us_version")),
        COLUMN_AND_TRIGGER(Versioning.columnAndTrigger("us_version"));

        private final Versioning versioning;

        Versioned(Versioning versioning) {
            this.versioning = versioning;
        }
    }

    /** The primary under test, with at least two connections for each use but the drain's. */
    protected abstract Primary primary();

    /** A verified store of a table that is empty when a test begins; the same one whenever asked within a test. */
    protected abstract PrimaryStore<Long, Item> store(Versioning versioning);

    private PrimaryStore<Long, Item> store(Versioned versioned) {
        return store(versioned.versioning);
    }

    private <T> T commit(Work<T> work) {
        return primary().call(Use.COMMIT, TIMEOUT, work);
    }

    private Map<Long, Applied<Item>> apply(PrimaryStore<Long, Item> store, List<Change<Long, Item>> changes) {
        return commit(connection -> store.apply(connection, changes));
    }

    private Applied<Item> apply(PrimaryStore<Long, Item> store, Change<Long, Item> change) {
        Map<Long, Applied<Item>> applied = apply(store, List.of(change));
        assertThat(applied).containsOnlyKeys(change.key());
        return applied.get(change.key());
    }

    private Map<Long, Row<Item>> load(PrimaryStore<Long, Item> store, Collection<Long> keys) {
        return primary().call(Use.LOAD, TIMEOUT, connection -> store.load(connection, keys));
    }

    private Optional<Row<Item>> row(PrimaryStore<Long, Item> store, long id) {
        return Optional.ofNullable(load(store, List.of(id)).get(id));
    }

    private static Item item(long id, String name) {
        return new Item(id, name, name.length());
    }

    private static Change<Long, Item> upsert(Item item, Version version, Guard guard) {
        return new Change<>(item.id(), Optional.of(item), version, guard);
    }

    private static Change<Long, Item> delete(long id, Version version, Guard guard) {
        return new Change<>(id, Optional.empty(), version, guard);
    }

    /** A row of that version. */
    private Item given(PrimaryStore<Long, Item> store, Version version) {
        Item item = item(1, "given");
        assertThat(apply(store, upsert(item, version, Guard.NONE))).isEqualTo(new Stored<>(new Row<>(item, version)));
        return item;
    }

    private void assertStored(PrimaryStore<Long, Item> store, Change<Long, Item> change) {
        Row<Item> expected = new Row<>(change.value().orElseThrow(), change.version());
        assertThat(apply(store, change)).isEqualTo(new Stored<>(expected));
        assertThat(row(store, change.key())).contains(expected);
    }

    private void assertRefused(PrimaryStore<Long, Item> store, Change<Long, Item> change, Version current) {
        Optional<Row<Item>> before = row(store, change.key());
        assertThat(apply(store, change)).isEqualTo(new Refused<>(current));
        assertThat(row(store, change.key())).isEqualTo(before);
    }

    private void assertDeleted(PrimaryStore<Long, Item> store, Change<Long, Item> change, boolean existed) {
        assertThat(apply(store, change)).isEqualTo(new Deleted<>(existed));
        assertThat(row(store, change.key())).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void load_ofKeysOfWhichSomeExist_givesThose(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        apply(store, List.of(upsert(item(1, "a"), V10, Guard.NONE), upsert(item(2, "b"), V20, Guard.NONE)));
        assertThat(load(store, List.of(2L, 3L, 1L, 2L)))
                .isEqualTo(Map.of(1L, new Row<>(item(1, "a"), V10), 2L, new Row<>(item(2, "b"), V20)));
        assertThat(load(store, List.of(9L))).isEmpty();
        assertThat(load(store, List.of())).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    void apply_withoutGuard_storesTheProposedVersionIfItIsNewer(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        assertStored(store, upsert(item(1, "first"), V10, Guard.NONE));
        assertStored(store, upsert(item(1, "second"), V20, Guard.NONE));
    }

    @ParameterizedTest
    @EnumSource
    void apply_withoutGuardOverANewerRow_storesAnOddVersionAboveIt(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        given(store, V30);
        for (Version proposed : List.of(V20, V30)) {
            Version before = row(store, 1).orElseThrow().version();
            Applied<Item> applied = apply(store, upsert(item(1, "late"), proposed, Guard.NONE));
            Row<Item> stored = ((Stored<Item>) applied).row();
            assertThat(stored.value()).isEqualTo(item(1, "late"));
            assertThat(stored.version()).isGreaterThan(before);
            assertThat(stored.version().value() % 2).isOne();
            assertThat(row(store, 1)).contains(stored);
        }
    }

    @ParameterizedTest
    @EnumSource
    void apply_ofAProposalThatIsNoVersion_stampsAnOddOne(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        for (Version proposed : List.of(Version.ABSENT, Version.UNVERSIONED)) {
            Row<Item> stored = ((Stored<Item>) apply(store, upsert(item(1, "x"), proposed, Guard.NONE))).row();
            assertThat(stored.version()).isGreaterThan(V30);
            assertThat(stored.version().value() % 2).isOne();
        }
    }

    @ParameterizedTest
    @EnumSource
    void apply_ifMissing_insertsOrRefuses(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        assertStored(store, upsert(item(1, "first"), V10, Guard.MISSING));
        assertRefused(store, upsert(item(1, "second"), V20, Guard.MISSING), V10);
    }

    @ParameterizedTest
    @EnumSource
    void apply_ifExists_updatesOrRefuses(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        assertRefused(store, upsert(item(1, "none"), V10, Guard.EXISTS), Version.ABSENT);
        given(store, V10);
        assertStored(store, upsert(item(1, "second"), V20, Guard.EXISTS));
    }

    @ParameterizedTest
    @EnumSource
    void apply_ifOlder_neverReplacesANewerOrEqualRow(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        assertStored(store, upsert(item(1, "first"), V10, Guard.OLDER));
        assertStored(store, upsert(item(1, "second"), V20, Guard.OLDER));
        assertRefused(store, upsert(item(1, "again"), V20, Guard.OLDER), V20);
        assertRefused(store, upsert(item(1, "late"), V10, Guard.OLDER), V20);
    }

    @ParameterizedTest
    @EnumSource
    void apply_ifExactly_needsThatVersion(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        assertRefused(store, upsert(item(1, "none"), V30, new Guard.Exactly(V10)), Version.ABSENT);
        given(store, V10);
        assertRefused(store, upsert(item(1, "wrong"), V30, new Guard.Exactly(V20)), V10);
        assertStored(store, upsert(item(1, "right"), V30, new Guard.Exactly(V10)));
    }

    @ParameterizedTest
    @EnumSource
    void apply_ifAtMost_takesNoRowOrOneUpToThatVersion(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        assertStored(store, upsert(item(1, "insert"), V10, new Guard.AtMost(V10)));
        assertStored(store, upsert(item(1, "equal"), V20, new Guard.AtMost(V10)));
        assertRefused(store, upsert(item(1, "newer"), V30, new Guard.AtMost(V10)), V20);
        assertStored(store, upsert(item(1, "older"), V30, new Guard.AtMost(V30)));
    }

    @ParameterizedTest
    @EnumSource
    void apply_ofDeletes_obeysTheSameGuards(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        assertDeleted(store, delete(1, V20, Guard.NONE), false);
        assertDeleted(store, delete(1, V20, Guard.MISSING), false);
        assertDeleted(store, delete(1, V20, Guard.OLDER), false);
        assertDeleted(store, delete(1, V20, new Guard.AtMost(V10)), false);
        assertRefused(store, delete(1, V20, Guard.EXISTS), Version.ABSENT);
        assertRefused(store, delete(1, V20, new Guard.Exactly(V10)), Version.ABSENT);
        given(store, V20);
        assertRefused(store, delete(1, V30, Guard.MISSING), V20);
        assertRefused(store, delete(1, V10, Guard.OLDER), V20);
        assertRefused(store, delete(1, V20, Guard.OLDER), V20);
        assertRefused(store, delete(1, V30, new Guard.AtMost(V10)), V20);
        assertRefused(store, delete(1, V30, new Guard.Exactly(V10)), V20);
        assertDeleted(store, delete(1, V30, new Guard.Exactly(V20)), true);
        for (Guard guard : List.of(Guard.NONE, Guard.EXISTS, Guard.OLDER, new Guard.AtMost(V20))) {
            given(store, V20);
            assertDeleted(store, delete(1, V30, guard), true);
        }
    }

    @Test
    void apply_withoutVersions_storesUnversionedRows() {
        PrimaryStore<Long, Item> store = store(Versioning.none());
        Version none = Version.UNVERSIONED;
        assertStored(store, upsert(item(1, "a"), none, Guard.NONE));
        assertStored(store, upsert(item(1, "b"), none, Guard.NONE));
        assertRefused(store, upsert(item(1, "c"), none, Guard.MISSING), none);
        assertStored(store, upsert(item(1, "d"), none, Guard.EXISTS));
        assertStored(store, upsert(item(2, "e"), none, Guard.MISSING));
        assertRefused(store, upsert(item(3, "f"), none, Guard.EXISTS), Version.ABSENT);
        assertRefused(store, delete(3, none, Guard.EXISTS), Version.ABSENT);
        assertDeleted(store, delete(3, none, Guard.NONE), false);
        assertDeleted(store, delete(1, none, Guard.EXISTS), true);
        assertDeleted(store, delete(2, none, Guard.NONE), true);
        for (Guard guard : List.of(Guard.OLDER, new Guard.Exactly(none), new Guard.AtMost(none))) {
            assertThatThrownBy(() -> apply(store, upsert(item(1, "g"), none, guard)))
                    .isInstanceOf(Invalid.class)
                    .hasMessageContaining("no version column");
        }
    }

    @ParameterizedTest
    @EnumSource
    void apply_ofManyChangesWithAllGuards_answersEach(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        List<Change<Long, Item>> given = LongStream.rangeClosed(1, 12)
                .filter(id -> id % 2 == 0)
                .mapToObj(id -> upsert(item(id, "given"), V10, Guard.NONE))
                .toList();
        apply(store, given);
        Map<Long, Applied<Item>> applied = apply(
                store,
                List.of(
                        upsert(item(12, "none"), V20, Guard.NONE),
                        upsert(item(1, "missing"), V20, Guard.MISSING),
                        upsert(item(2, "missing"), V20, Guard.MISSING),
                        upsert(item(3, "exists"), V20, Guard.EXISTS),
                        upsert(item(4, "exists"), V20, Guard.EXISTS),
                        upsert(item(5, "older"), V20, Guard.OLDER),
                        upsert(item(6, "older"), V10, Guard.OLDER),
                        upsert(item(7, "most"), V20, new Guard.AtMost(V10)),
                        upsert(item(8, "most"), V20, new Guard.AtMost(V10)),
                        delete(10, V20, new Guard.Exactly(V10)),
                        delete(9, V20, Guard.NONE)));
        Row<Item> seven = new Row<>(item(7, "most"), V20);
        assertThat(applied)
                .isEqualTo(Map.ofEntries(
                        Map.entry(12L, new Stored<>(new Row<>(item(12, "none"), V20))),
                        Map.entry(1L, new Stored<>(new Row<>(item(1, "missing"), V20))),
                        Map.entry(2L, new Refused<Item>(V10)),
                        Map.entry(3L, new Refused<Item>(Version.ABSENT)),
                        Map.entry(4L, new Stored<>(new Row<>(item(4, "exists"), V20))),
                        Map.entry(5L, new Stored<>(new Row<>(item(5, "older"), V20))),
                        Map.entry(6L, new Refused<Item>(V10)),
                        Map.entry(7L, new Stored<>(seven)),
                        Map.entry(8L, new Stored<>(new Row<>(item(8, "most"), V20))),
                        Map.entry(10L, new Deleted<Item>(true)),
                        Map.entry(9L, new Deleted<Item>(false))));
        assertThat(load(store, LongStream.rangeClosed(1, 12).boxed().toList()))
                .containsOnlyKeys(1L, 2L, 4L, 5L, 6L, 7L, 8L, 12L);
    }

    @ParameterizedTest
    @EnumSource
    void apply_ofAThousandRowsTwice_storesAllAndThenRefusesAll(Versioned versioned) {
        PrimaryStore<Long, Item> store = store(versioned);
        List<Change<Long, Item>> changes = new ArrayList<>();
        LongStream.range(0, 1000).forEach(id -> changes.add(upsert(item(id, "n" + id), V20, Guard.OLDER)));
        assertThat(apply(store, changes).values())
                .allMatch(Stored.class::isInstance)
                .hasSize(1000);
        assertThat(apply(store, changes).values()).hasSize(1000).allMatch(new Refused<>(V20)::equals);
    }

    @Test
    void apply_ofAKeyTwice_isInvalid() {
        PrimaryStore<Long, Item> store = store(Versioned.COLUMN);
        assertThatThrownBy(() -> apply(
                        store, List.of(upsert(item(1, "a"), V10, Guard.NONE), upsert(item(1, "b"), V10, Guard.NONE))))
                .isInstanceOf(Invalid.class);
        assertThatThrownBy(() -> apply(store, new Change<>(2L, Optional.of(item(1, "a")), V10, Guard.NONE)))
                .isInstanceOf(Invalid.class);
        assertThat(row(store, 1)).isEmpty();
        assertThat(apply(store, List.of())).isEmpty();
    }

    @Test
    void call_whoseWorkThrows_rollsBackAndPassesItOn() {
        PrimaryStore<Long, Item> store = store(Versioned.COLUMN);
        IOException thrown = new IOException("the work's own");
        assertThatThrownBy(() -> commit(connection -> {
                    store.apply(connection, List.of(upsert(item(1, "a"), V10, Guard.NONE)));
                    throw thrown;
                }))
                .isSameAs(thrown);
        assertThat(row(store, 1)).isEmpty();
    }

    @Test
    void call_untilItCommits_isSeenByItselfOnly() {
        PrimaryStore<Long, Item> store = store(Versioned.COLUMN);
        commit(connection -> {
            store.apply(connection, List.of(upsert(item(1, "a"), V10, Guard.NONE)));
            assertThat(store.load(connection, List.of(1L))).containsKey(1L);
            assertThat(row(store, 1)).isEmpty();
            return connection;
        });
        assertThat(row(store, 1)).isPresent();
    }

    @Test
    void commitBefore_aTimeThatIsPast_rollsBack() {
        PrimaryStore<Long, Item> store = store(Versioned.COLUMN);
        PrimaryFailure failure = catchThrowableOfType(
                PrimaryFailure.class,
                () -> commit(connection -> {
                    store.apply(connection, List.of(upsert(item(1, "a"), V10, Guard.NONE)));
                    primary().commitBefore(connection, V30.value());
                    return connection;
                }));
        assertThat(failure.kind()).isEqualTo(PrimaryFailure.Kind.TRANSIENT);
        assertThat(failure.outcome()).isEqualTo(Outcome.NOT_APPLIED);
        assertThat(row(store, 1)).isEmpty();
    }

    @Test
    void commitBefore_aTimeToCome_commits() {
        PrimaryStore<Long, Item> store = store(Versioned.COLUMN);
        long inAMinute = ManualClock.micros(Clock.SYSTEM.now()) + 60_000_000;
        commit(connection -> {
            store.apply(connection, List.of(upsert(item(1, "a"), V10, Guard.NONE)));
            primary().commitBefore(connection, inAMinute);
            return connection;
        });
        assertThat(row(store, 1)).isPresent();
    }

    @Test
    void lock_keepsOtherWritersOutUntilTheEnd() throws Exception {
        PrimaryStore<Long, Item> store = store(Versioned.COLUMN);
        Item given = given(store, V10);
        CountDownLatch isLocked = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        CompletableFuture<?> first = CompletableFuture.runAsync(() -> commit(connection -> {
            assertThat(store.lock(connection, List.of(1L, 2L))).isEqualTo(Map.of(1L, new Row<>(given, V10)));
            isLocked.countDown();
            assertThat(mayEnd.await(10, TimeUnit.SECONDS)).isTrue();
            return store.apply(connection, List.of(upsert(item(1, "first"), V20, Guard.NONE)));
        }));
        assertThat(isLocked.await(10, TimeUnit.SECONDS)).isTrue();
        CompletableFuture<Applied<Item>> second = CompletableFuture.supplyAsync(
                () -> apply(store, upsert(item(1, "second"), V30, new Guard.Exactly(V10))));
        assertThatThrownBy(() -> second.get(200, TimeUnit.MILLISECONDS)).isInstanceOf(TimeoutException.class);
        assertThat(row(store, 1)).contains(new Row<>(given, V10));
        mayEnd.countDown();
        first.get(10, TimeUnit.SECONDS);
        assertThat(second.get(10, TimeUnit.SECONDS)).isEqualTo(new Refused<>(V20));
    }

    @Test
    void drain_thatMeetsALockedRow_givesUpSoon() throws Exception {
        PrimaryStore<Long, Item> store = store(Versioned.COLUMN);
        given(store, V10);
        commit(connection -> {
            store.lock(connection, List.of(1L));
            CompletableFuture<?> drain = CompletableFuture.runAsync(() -> primary()
                    .call(
                            Use.DRAIN,
                            TIMEOUT,
                            other -> store.apply(other, List.of(upsert(item(1, "drained"), V20, Guard.OLDER)))));
            assertThatThrownBy(() -> drain.get(5, TimeUnit.SECONDS))
                    .isInstanceOf(ExecutionException.class)
                    .cause()
                    .isInstanceOfSatisfying(PrimaryFailure.class, failure -> {
                        assertThat(failure.kind()).isEqualTo(PrimaryFailure.Kind.TRANSIENT);
                        assertThat(failure.sqlState()).isEqualTo("55P03");
                    });
            return connection;
        });
    }

    @Test
    void unwrap_toAnotherType_isInvalid() {
        assertThatThrownBy(() -> commit(connection -> connection.unwrap(StringBuilder.class)))
                .isInstanceOf(Invalid.class);
    }

    @Test
    void verify_ofAPrimary_passes() {
        primary().verify();
    }
}
