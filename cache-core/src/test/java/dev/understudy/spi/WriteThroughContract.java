package dev.understudy.spi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.SharedCommand.AppliedChange;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What every shared replica must do with leases, fills, markers and invalidations; extended for each adapter and for the in-memory twin. */
public abstract class WriteThroughContract extends SharedReplicaCalls {
    @Test
    void lease_isGrantedOnce_andFillEndsIt() {
        ShardKey key = key("a");
        assertThat(call(lease(key, 1))).isInstanceOf(LeaseReply.Granted.class);
        assertThat(call(lease(key, 2)))
                .isInstanceOfSatisfying(
                        LeaseReply.Wait.class,
                        wait -> assertThat(wait.remaining()).isBetween(Duration.ofMillis(1), LEASE));
        assertThat(call(fillOf(key, 2, "no", 10))).isEqualTo(FillReply.LOST);
        assertThat(call(fillOf(key, 1, "yes", 10))).isEqualTo(FillReply.FILLED);
        assertThat(call(lease(key, 3)))
                .isInstanceOfSatisfying(
                        LeaseReply.Hit.class,
                        hit -> assertThat(hit.entry().payload()).isEqualTo(bytes("yes")));
        SharedEntry entry = read(key);
        assertThat(entry.kind()).isEqualTo(EntryKind.VALUE);
        assertThat(entry.pending()).isFalse();
        assertThat(entry.writers()).isZero();
    }

    @Test
    void fill_ofNoRow_isANegativeEntryThatExpires() {
        ShardKey key = key("a");
        call(lease(key, 1));
        call(new SharedCommand.Fill(
                key, generationOf(key), 1, EntryKind.ABSENT, Version.ABSENT, bytes(""), Duration.ofMillis(300)));
        assertThat(read(key).kind()).isEqualTo(EntryKind.ABSENT);
        await().atMost(Duration.ofSeconds(10)).until(() -> {
            advance(Duration.ofMillis(50));
            return reply(cache.read(List.of(key))).get(0) == null;
        });
    }

    @Test
    void lease_afterItsEnd_isGrantedToAnother() {
        ShardKey key = key("a");
        call(lease(key, 1));
        advance(LEASE.plusMillis(1));
        assertThat(call(lease(key, 2))).isInstanceOf(LeaseReply.Granted.class);
        assertThat(call(fillOf(key, 1, "late", 10))).isEqualTo(FillReply.LOST);
    }

    @Test
    void fill_thatBeganBeforeAWrite_isLost() {
        ShardKey key = key("a");
        call(lease(key, 1));
        prepare(key);
        assertThat(call(fillOf(key, 1, "late", 10))).isEqualTo(FillReply.LOST);
    }

    /** The row may be of a write that is committed and not told. */
    @Test
    void fill_underAMarker_isAnnounced() {
        ShardKey key = key("a");
        prepare(key);
        call(lease(key, 1));
        long before = positionOf(key);

        assertThat(call(fillOf(key, 1, "new", 10))).isEqualTo(FillReply.FILLED);

        assertThat(positionOf(key)).isEqualTo(before + 1);
    }

    @Test
    void apply_withoutMarker_forgets() {
        ShardKey key = key("a");
        fill(key, "old", 10);
        assertThat(call(apply(key, AppliedChange.UPSERTED, new Version(20), "new", Optional.empty()))
                        .result())
                .isEqualTo(ApplyReply.Result.SKIPPED);
        assertThat(reply(cache.read(List.of(key)))).containsOnlyNulls();
    }

    @Test
    void apply_afterTheMarkersEnd_forgets() {
        ShardKey key = key("a");
        Prepared prepared = prepare(key);
        advance(MARKER.plusMillis(1));
        assertThat(call(apply(key, AppliedChange.UPSERTED, prepared.version(), "new", Optional.of(prepared)))
                        .result())
                .isEqualTo(ApplyReply.Result.SKIPPED);
    }

    @Test
    void apply_ofADeleteOrWithoutVersions_forgets() {
        ShardKey key = key("a");
        fill(key, "old", 10);
        Prepared prepared = prepare(key);
        assertThat(call(apply(key, AppliedChange.DELETED, prepared.version(), "", Optional.of(prepared)))
                        .result())
                .isEqualTo(ApplyReply.Result.DELETED);
        assertThat(reply(cache.read(List.of(key)))).containsOnlyNulls();

        fill(key, "old", 10);
        Prepared again = prepare(key);
        SharedCommand.Apply forgetting = new SharedCommand.Apply(
                key,
                generationOf(key),
                AppliedChange.UPSERTED,
                Version.UNVERSIONED,
                bytes(""),
                TTL,
                Optional.of(again),
                7,
                true);
        assertThat(call(forgetting).result()).isEqualTo(ApplyReply.Result.DELETED);
        assertThat(reply(cache.read(List.of(key)))).containsOnlyNulls();
    }

    @Test
    void apply_aborted_keepsWhatWasThere() {
        ShardKey key = key("a");
        fill(key, "old", 10);
        Prepared prepared = prepare(key);
        assertThat(call(apply(key, AppliedChange.ABORTED, prepared.version(), "", Optional.of(prepared)))
                        .result())
                .isEqualTo(ApplyReply.Result.ABORTED);
        assertThat(read(key).payload()).isEqualTo(bytes("old"));
        assertThat(read(key).writers()).isZero();
    }

    @Test
    void renew_holdsTheMarkerUnlessItsOwnDeadlineHasPassed() {
        ShardKey key = key("a");
        Prepared first = prepare(key);
        advance(MARKER.dividedBy(2));
        Renewed renewed = call(renew(key, first.deadlineMicros()));
        assertThat(renewed.held()).isTrue();
        assertThat(renewed.deadlineMicros()).isGreaterThan(first.deadlineMicros());
        advance(MARKER.plusMillis(1));
        prepare(key);
        assertThat(call(renew(key, renewed.deadlineMicros())).held()).isFalse();
    }

    @Test
    void invalidate_forgetsWhatIsOlder() {
        ShardKey key = key("a");
        fill(key, "old", 10);
        assertThat(call(invalidate(key, 10))).isEqualTo(InvalidateReply.NEWER);
        assertThat(call(invalidate(key, 11))).isEqualTo(InvalidateReply.INVALIDATED);
        assertThat(reply(cache.read(List.of(key)))).containsOnlyNulls();
        writeBack(key, "pending", 0);
        assertThat(call(invalidate(key, 0))).isEqualTo(InvalidateReply.PENDING);
        assertThat(read(key).pending()).isTrue();
    }

    private static byte[] bytes(String text) {
        return text.getBytes(UTF_8);
    }
}
