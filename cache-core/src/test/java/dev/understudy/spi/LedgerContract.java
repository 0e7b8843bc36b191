package dev.understudy.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.model.Invalid;
import dev.understudy.model.Version;
import dev.understudy.spi.DrainLedger.DeadLetter;
import dev.understudy.spi.Primary.Use;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every ledger of a primary must do; extended for each adapter and for the in-memory twin, whose clocks must run. */
public abstract class LedgerContract {
    private static final Duration TIMEOUT = Duration.ofSeconds(20);
    private static final Duration LEASE = Duration.ofSeconds(15);
    private static final String CACHE = "product";
    private static final String ME = "me";
    private static final String OTHER = "other";
    private static final Version V10 = new Version(10);
    private static final Version V20 = new Version(20);

    /** The primary under test; its ledger is empty when a test begins. */
    protected abstract Primary primary();

    /** A method of the ledger on a connection. */
    @FunctionalInterface
    private interface Entry<T> {
        T in(DrainLedger ledger, PrimaryConnection connection) throws Exception;
    }

    /** A method of the ledger without an answer. */
    @FunctionalInterface
    private interface Note {
        void in(DrainLedger ledger, PrimaryConnection connection) throws Exception;
    }

    private <T> T ask(Entry<T> entry) {
        return primary()
                .call(Use.DRAIN, TIMEOUT, connection -> entry.in(primary().ledger(), connection));
    }

    private void tell(Note note) {
        ask((ledger, connection) -> {
            note.in(ledger, connection);
            return "";
        });
    }

    private Map<Integer, Long> claim(String owner, Duration lease, Integer... shards) {
        return ask((ledger, connection) -> ledger.claim(connection, CACHE, Set.of(shards), owner, lease));
    }

    private Set<Integer> fence(String owner, Map<Integer, Long> epochs) {
        return ask((ledger, connection) -> ledger.fence(connection, CACHE, epochs, owner, LEASE));
    }

    @BeforeEach
    void openLedger() {
        tell((ledger, connection) -> ledger.open(connection, CACHE, 8));
    }

    @Test
    void open_again_changesNothing() {
        Map<Integer, Long> epochs = claim(ME, LEASE, 1);
        tell((ledger, connection) -> ledger.open(connection, CACHE, 8));
        assertThat(fence(ME, epochs)).containsExactly(1);
    }

    @Test
    void open_withAnotherNumberOfShards_isInvalid() {
        for (int shards : List.of(4, 16)) {
            assertThatThrownBy(() -> tell((ledger, connection) -> ledger.open(connection, CACHE, shards)))
                    .isInstanceOf(Invalid.class)
                    .hasMessageContaining(CACHE)
                    .hasMessageContaining("8")
                    .hasMessageContaining(String.valueOf(shards));
        }
        tell((ledger, connection) -> ledger.open(connection, "another", 4));
    }

    @Test
    void claim_ofFreeShards_givesEpochsThatOnlyGrow() {
        Map<Integer, Long> first = claim(ME, LEASE, 1, 2);
        assertThat(first).containsOnlyKeys(1, 2);
        Map<Integer, Long> again = claim(ME, LEASE, 1);
        assertThat(again.get(1)).isGreaterThan(first.get(1));
    }

    @Test
    void claim_ofShardsThatAnotherHolds_givesTheOthersOnly() {
        claim(ME, LEASE, 1, 2);
        assertThat(claim(OTHER, LEASE, 1, 2, 3)).containsOnlyKeys(3);
        assertThat(claim(OTHER, LEASE, 1)).isEmpty();
    }

    @Test
    void claim_afterTheLeaseHasEnded_takesOver() {
        Map<Integer, Long> mine = claim(ME, Duration.ofMillis(50), 1);
        await().atMost(TIMEOUT).until(() -> claim(OTHER, LEASE, 1), taken -> taken.containsKey(1));
        assertThat(fence(ME, mine)).isEmpty();
    }

    @Test
    void fence_byTheOwnerAtItsEpoch_holds() {
        Map<Integer, Long> mine = claim(ME, LEASE, 1, 2, 3);
        assertThat(fence(ME, mine)).containsExactlyInAnyOrder(1, 2, 3);
        assertThat(fence(OTHER, mine)).isEmpty();
        assertThat(fence(ME, Map.of(1, mine.get(1), 2, mine.get(2) + 1, 4, 1L))).containsExactly(1);
        assertThat(fence(ME, Map.of())).isEmpty();
    }

    @Test
    void fence_afterATakeOver_isGone() {
        Map<Integer, Long> old = claim(ME, LEASE, 1);
        Map<Integer, Long> again = claim(ME, LEASE, 1);
        assertThat(fence(ME, old)).isEmpty();
        assertThat(fence(ME, again)).containsExactly(1);
    }

    @Test
    void fence_renewsTheLease() {
        Map<Integer, Long> mine = claim(ME, Duration.ofMillis(300), 1, 2);
        assertThat(fence(ME, Map.of(1, mine.get(1)))).containsExactly(1);
        await().atMost(TIMEOUT).until(() -> claim(OTHER, LEASE, 2), taken -> taken.containsKey(2));
        assertThat(claim(OTHER, LEASE, 1)).isEmpty();
    }

    private int attend(String cache, String owner, Duration lease) {
        return ask((ledger, connection) -> ledger.attend(connection, cache, owner, lease));
    }

    @Test
    void attend_countsThoseWhoDrainTheCache_untilTheyLeave() {
        assertThat(attend(CACHE, ME, LEASE)).isEqualTo(1);
        assertThat(attend(CACHE, OTHER, LEASE)).isEqualTo(2);
        assertThat(attend(CACHE, ME, LEASE)).isEqualTo(2);
        assertThat(attend("another", OTHER, LEASE)).isEqualTo(1);
        tell((ledger, connection) -> ledger.leave(connection, CACHE, OTHER));
        tell((ledger, connection) -> ledger.leave(connection, CACHE, OTHER));
        assertThat(attend(CACHE, ME, LEASE)).isEqualTo(1);
        assertThat(attend("another", ME, LEASE)).isEqualTo(2);
    }

    @Test
    void attend_ofAnOwnerThatFellSilent_isCountedUntilItsLeaseEnds() {
        attend(CACHE, OTHER, Duration.ofMillis(300));
        await().atMost(TIMEOUT).until(() -> attend(CACHE, ME, LEASE) == 1);
        assertThat(attend(CACHE, OTHER, LEASE)).isEqualTo(2);
    }

    @Test
    void release_letsAnotherClaimAtOnce() {
        Map<Integer, Long> mine = claim(ME, LEASE, 1, 2);
        tell((ledger, connection) -> ledger.release(connection, CACHE, Map.of(1, mine.get(1), 2, 99L), ME));
        Map<Integer, Long> taken = claim(OTHER, LEASE, 1, 2);
        assertThat(taken).containsOnlyKeys(1);
        assertThat(taken.get(1)).isGreaterThan(mine.get(1));
        assertThat(fence(ME, mine)).containsExactly(2);
    }

    @Test
    void release_byAFormerOwner_changesNothing() {
        Map<Integer, Long> old = claim(ME, Duration.ofMillis(50), 1);
        await().atMost(TIMEOUT).until(() -> claim(OTHER, LEASE, 1), taken -> taken.containsKey(1));
        tell((ledger, connection) -> ledger.release(connection, CACHE, old, ME));
        assertThat(claim(ME, LEASE, 1)).isEmpty();
    }

    @Test
    void excludeDrain_keepsTheFenceOutUntilTheEnd() throws Exception {
        Map<Integer, Long> mine = claim(ME, LEASE, 1, 2);
        primary().call(Use.COMMIT, TIMEOUT, connection -> {
            primary().ledger().excludeDrain(connection, CACHE, Set.of(1));
            CompletableFuture<Set<Integer>> fenced = CompletableFuture.supplyAsync(() -> fence(ME, mine));
            assertThat(fenced.exceptionally(LedgerContract::noneIfTransient).get(10, TimeUnit.SECONDS))
                    .doesNotContain(1);
            return connection;
        });
        assertThat(fence(ME, mine)).containsExactlyInAnyOrder(1, 2);
    }

    /** A ledger may also fail the fence, so that the drain tries again. */
    private static Set<Integer> noneIfTransient(Throwable failure) {
        assertThat(failure)
                .isInstanceOf(CompletionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        PrimaryFailure.class,
                        refused -> assertThat(refused.kind()).isEqualTo(PrimaryFailure.Kind.TRANSIENT));
        return Set.of();
    }

    @Test
    void excludeDrain_ofAShardWithoutARow_isInvalid() {
        assertThatThrownBy(() -> tell((ledger, connection) -> ledger.excludeDrain(connection, "unopened", Set.of(1))))
                .isInstanceOf(Invalid.class);
    }

    @Test
    void tombstones_keepTheHighestVersionOfEachKey() {
        String odd = "{\"\\'%, :}";
        tell((ledger, connection) -> ledger.recordTombstones(connection, CACHE, Map.of("1", V20, odd, V10)));
        tell((ledger, connection) -> ledger.recordTombstones(connection, CACHE, Map.of("1", V10, odd, V20)));
        tell((ledger, connection) -> ledger.recordTombstones(connection, "another", Map.of("3", V20)));
        assertThat(tombstones(List.of("1", odd, "3"))).isEqualTo(Map.of("1", V20, odd, V20));
        assertThat(tombstones(List.of())).isEmpty();
    }

    private Map<String, Version> tombstones(List<String> keys) {
        return ask((ledger, connection) -> ledger.tombstones(connection, CACHE, keys));
    }

    @Test
    void tombstones_ofATransactionThatFails_areRolledBack() {
        IllegalStateException thrown = new IllegalStateException("the work's own");
        assertThatThrownBy(() -> tell((ledger, connection) -> {
                    ledger.recordTombstones(connection, CACHE, Map.of("1", V10));
                    assertThat(ledger.tombstones(connection, CACHE, List.of("1")))
                            .containsEntry("1", V10);
                    throw thrown;
                }))
                .isSameAs(thrown);
        assertThat(tombstones(List.of("1"))).isEmpty();
    }

    @Test
    void deadLetters_areRecordedOnceAndListedOldestFirst() {
        DeadLetter first = letter("a", V10, "first");
        DeadLetter second = letter("a", V20, "second");
        tell((ledger, connection) -> ledger.recordDeadLetters(connection, CACHE, List.of(first)));
        tell((ledger, connection) ->
                ledger.recordDeadLetters(connection, CACHE, List.of(letter("a", V10, "again"), second)));
        List<DeadLetter> found = ask((ledger, connection) -> ledger.deadLetters(connection, CACHE, 10));
        assertThat(found).extracting(DeadLetter::message).containsExactly("first", "second");
        assertThat(found)
                .usingRecursiveFieldByFieldElementComparatorIgnoringFields("at")
                .containsExactly(first, second);
        assertThat(found).allMatch(letter -> letter.at().isAfter(Instant.EPOCH));
        assertThat((List<DeadLetter>) ask((ledger, connection) -> ledger.deadLetters(connection, CACHE, 1)))
                .extracting(DeadLetter::message)
                .containsExactly("first");
        assertThat((List<DeadLetter>) ask((ledger, connection) -> ledger.deadLetters(connection, "another", 10)))
                .isEmpty();
    }

    @Test
    void discard_ofADeadLetter_removesThatOne() {
        tell((ledger, connection) -> ledger.recordDeadLetters(
                connection, CACHE, List.of(letter("a", V10, "first"), letter("a", V20, "second"))));
        Function<Version, Boolean> isDead =
                version -> ask((ledger, connection) -> ledger.isDead(connection, CACHE, "a", version));
        assertThat(isDead.apply(V10)).isTrue();
        assertThat((boolean) ask((ledger, connection) -> ledger.discard(connection, CACHE, "a", V10)))
                .isTrue();
        assertThat((boolean) ask((ledger, connection) -> ledger.discard(connection, CACHE, "a", V10)))
                .isFalse();
        assertThat(isDead.apply(V10)).isFalse();
        assertThat(isDead.apply(V20)).isTrue();
    }

    private static DeadLetter letter(String key, Version version, String message) {
        byte[] payload = {0, -1, 65, 92};
        return new DeadLetter(key, version, EntryKind.VALUE, Version.UNKNOWN, payload, "23505", message, Instant.EPOCH);
    }
}
