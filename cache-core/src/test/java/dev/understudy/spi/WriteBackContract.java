package dev.understudy.spi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.SharedCommand.AppliedChange;
import dev.understudy.spi.SharedCommand.Condition;
import dev.understudy.spi.SharedCommand.Fate;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What every shared replica must do with pending writes; extended for each adapter and for the in-memory twin. */
public abstract class WriteBackContract extends SharedReplicaCalls {
    @Test
    void writeBack_ofAnUnknownKey_asksForTheBase() {
        ShardKey key = key("a");
        assertThat(call(plain(key, 1, Optional.empty()))).isInstanceOf(WriteBackReply.Cold.class);
        assertThat(call(plain(key, 1, Optional.of(new Version(41))))).isInstanceOf(WriteBackReply.Accepted.class);
        SharedEntry entry = read(key);
        assertThat(entry.pending()).isTrue();
        assertThat(entry.base()).isEqualTo(new Version(41));
        assertThat(entry.writeId()).isEqualTo(1);
    }

    @Test
    void writeBack_repeated_isAnsweredAsBefore() {
        ShardKey key = key("a");
        WriteBackReply.Accepted first = (WriteBackReply.Accepted) call(plain(key, 1, Optional.of(Version.ABSENT)));
        WriteBackReply.Accepted again = (WriteBackReply.Accepted) call(plain(key, 1, Optional.of(Version.ABSENT)));
        assertThat(first.repeated()).isFalse();
        assertThat(again.repeated()).isTrue();
        assertThat(again.version()).isEqualTo(first.version());
        assertThat(status(key).acked()).isEqualTo(1);
    }

    @Test
    void writeBack_overTheLimit_isRefusedUnlessTheKeyIsPending() {
        ShardKey first = key("a");
        ShardKey second = sameShard(first);
        writeBack(first, "1", 0);
        assertThat(call(limited(second, 1))).isInstanceOf(WriteBackReply.Full.class);
        assertThat(call(limited(first, 1))).isInstanceOf(WriteBackReply.Accepted.class);
        assertThat(call(limited(second, 2))).isInstanceOf(WriteBackReply.Accepted.class);
    }

    @Test
    void writeBack_conditions_areJudgedByTheCurrentVersion() {
        ShardKey key = key("a");
        fill(key, "row", 50);
        assertThat(call(conditional(key, 1, Condition.MISSING))).isEqualTo(new WriteBackReply.Refused(new Version(50)));
        assertThat(call(conditional(key, 2, Condition.version(new Version(49)))))
                .isEqualTo(new WriteBackReply.Refused(new Version(50)));
        WriteBackReply.Accepted accepted =
                (WriteBackReply.Accepted) call(conditional(key, 3, Condition.version(new Version(50))));
        assertThat(call(conditional(key, 4, Condition.version(accepted.version()))))
                .isInstanceOf(WriteBackReply.Accepted.class);
        assertThat(call(conditional(key, 5, Condition.EXISTS))).isInstanceOf(WriteBackReply.Accepted.class);
        assertThat(call(writeBackOf(key, EntryKind.DELETED, "", 6, Condition.EXISTS, Optional.empty(), 10)))
                .isInstanceOf(WriteBackReply.Accepted.class);
        assertThat(call(conditional(key, 7, Condition.EXISTS))).isEqualTo(new WriteBackReply.Refused(Version.ABSENT));
        assertThat(call(conditional(key, 8, Condition.MISSING))).isInstanceOf(WriteBackReply.Accepted.class);
        assertThat(read(key).base()).isEqualTo(new Version(50));
    }

    @Test
    void writeBack_conditionOnAnUnknownKey_isJudgedUnderItsOwnLease() {
        ShardKey key = key("a");
        SharedCommand.WriteBack judged =
                writeBackOf(key, EntryKind.VALUE, "v", 9, Condition.MISSING, Optional.of(Version.ABSENT), 10);
        assertThat(call(judged)).isInstanceOf(WriteBackReply.Cold.class);
        assertThat(call(lease(key, 77))).isInstanceOf(LeaseReply.Wait.class);
        assertThat(call(judged)).isInstanceOf(WriteBackReply.Accepted.class);
    }

    @Test
    void writeBack_conditionUnderAMarker_waits() {
        ShardKey key = key("a");
        fill(key, "row", 50);
        prepare(key);
        assertThat(call(conditional(key, 1, Condition.EXISTS)))
                .isInstanceOfSatisfying(
                        WriteBackReply.Marked.class,
                        marked -> assertThat(marked.remaining()).isBetween(Duration.ofMillis(1), MARKER));
        writeBack(key, "unconditional", 50);
    }

    @Test
    void writeBack_conditionOnAPendingWriteThatThePrimaryWentAnotherWayThan_asksForTheBase() {
        ShardKey key = key("a");
        WriteBackReply.Accepted first = writeBack(key, "1", 0);
        call(invalidate(key, first.version().value() + 1));
        SharedCommand.WriteBack judged = writeBackOf(
                key,
                EntryKind.VALUE,
                "2",
                9,
                Condition.version(first.version()),
                Optional.of(new Version(first.version().value() + 1)),
                10);

        assertThat(call(conditional(key, 8, Condition.version(first.version()))))
                .isInstanceOf(WriteBackReply.Cold.class);
        assertThat(call(judged))
                .isEqualTo(
                        new WriteBackReply.Refused(new Version(first.version().value() + 1)));
        writeBack(key, "unconditional", first.version().value() + 1);
    }

    @Test
    void peek_givesOldestFirst_withinAgeAndLimit() {
        ShardKey first = key("a");
        ShardKey second = sameShard(first);
        writeBack(first, "1", 0);
        advance(Duration.ofSeconds(3));
        writeBack(second, "2", 0);
        writeBack(first, "3", 0);

        assertThat(peek(first.shard())).extracting(Pending::key).containsExactly(first, second);
        assertThat(call(new SharedCommand.Peek(first.shard(), generationOf(first), Duration.ZERO, 1)))
                .extracting(Pending::key)
                .containsExactly(first);
        assertThat(call(new SharedCommand.Peek(first.shard(), generationOf(first), Duration.ofSeconds(2), 10)))
                .extracting(Pending::key)
                .containsExactly(first);
        assertThat(status(first).oldest()).isGreaterThanOrEqualTo(Duration.ofSeconds(3));
        assertThat(status(first).queued()).isEqualTo(2);
    }

    @Test
    void drained_applied_isCleanAndCounted() {
        ShardKey key = key("a");
        WriteBackReply.Accepted accepted = writeBack(key, "v", 0);
        Pending pending = peekOnly(key);
        assertThat(pending.entry().payload()).isEqualTo("v".getBytes(UTF_8));
        assertThat(pending.entry().version()).isEqualTo(accepted.version());
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.CLEAN);
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.GONE);
        assertThat(read(key).pending()).isFalse();
        assertThat(status(key).applied()).isEqualTo(1);
        assertConserved(status(key));
    }

    @Test
    void drained_afterANewerWrite_isPendingAgainOnTheDrainedBase() {
        ShardKey key = key("a");
        writeBack(key, "1", 0);
        Pending pending = peekOnly(key);
        writeBack(key, "2", 0);
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.AGAIN);
        assertThat(read(key).base()).isEqualTo(pending.entry().version());
        assertThat(call(drained(peekOnly(key), Fate.APPLIED))).isEqualTo(DrainedReply.CLEAN);
        assertConserved(status(key));
    }

    @Test
    void drained_supersededOrDead_isForgottenAndCounted() {
        ShardKey key = key("a");
        writeBack(key, "1", 0);
        assertThat(call(drained(peekOnly(key), Fate.SUPERSEDED))).isEqualTo(DrainedReply.FORGOTTEN);
        assertThat(reply(cache.read(List.of(key)))).containsOnlyNulls();
        writeBack(key, "2", 0);
        assertThat(call(drained(peekOnly(key), Fate.DEAD))).isEqualTo(DrainedReply.FORGOTTEN);
        ShardStatus status = status(key);
        assertThat(status.superseded()).isEqualTo(1);
        assertThat(status.dead()).isEqualTo(1);
        assertConserved(status);
    }

    @Test
    void drained_afterAForeignChange_isForgotten() {
        ShardKey key = key("a");
        writeBack(key, "1", 0);
        Pending pending = peekOnly(key);
        assertThat(call(invalidate(key, 0))).isEqualTo(InvalidateReply.PENDING);
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.FORGOTTEN);
    }

    @Test
    void drained_withACorrection_showsWhatThePrimaryStored() {
        ShardKey key = key("a");
        writeBack(key, "1", 0);
        Pending pending = peekOnly(key);
        SharedCommand.Correction correction = new SharedCommand.Correction(
                new Version(pending.entry().version().value() + 1), "stored".getBytes(UTF_8));
        assertThat(call(drained(pending, Fate.APPLIED, Optional.of(correction))))
                .isEqualTo(DrainedReply.CLEAN);
        assertThat(read(key).payload()).isEqualTo("stored".getBytes(UTF_8));
        assertThat(read(key).version()).isEqualTo(correction.version());
    }

    @Test
    void apply_ofADeleteOverAPendingWrite_becomesAPendingDelete() {
        ShardKey key = key("a");
        writeBack(key, "1", 0);
        Prepared prepared = prepare(key);
        assertThat(call(apply(key, AppliedChange.DELETED, prepared.version(), "", Optional.of(prepared)))
                        .result())
                .isEqualTo(ApplyReply.Result.DELETED);
        assertThat(read(key).kind()).isEqualTo(EntryKind.DELETED);
        assertThat(read(key).pending()).isTrue();
        assertThat(call(drained(peekOnly(key), Fate.APPLIED))).isEqualTo(DrainedReply.CLEAN);
        assertConserved(status(key));
    }

    @Test
    void apply_ofADeleteToldAgain_leavesWhatWasLoggedSince() {
        ShardKey key = key("a");
        Prepared prepared = prepare(key);
        call(apply(key, AppliedChange.DELETED, prepared.version(), "", Optional.of(prepared)));
        writeBack(key, "since", 0);

        assertThat(call(apply(key, AppliedChange.DELETED, prepared.version(), "", Optional.empty()))
                        .result())
                .isEqualTo(ApplyReply.Result.OLDER);

        assertThat(read(key).kind()).isEqualTo(EntryKind.VALUE);
        Pending since = peekOnly(key);
        // The primary knows whether the delete or the write came last: the entry does not.
        assertThat(call(drained(since, Fate.APPLIED))).isEqualTo(DrainedReply.FORGOTTEN);
        assertConserved(status(key));
    }

    @Test
    void apply_ofADeleteToldAgain_takesWhatWasLoggedBefore() {
        ShardKey key = key("a");
        writeBack(key, "before", 0);
        Prepared prepared = prepare(key);

        assertThat(call(apply(key, AppliedChange.DELETED, prepared.version(), "", Optional.empty()))
                        .result())
                .isEqualTo(ApplyReply.Result.DELETED);
        assertThat(read(key).kind()).isEqualTo(EntryKind.DELETED);
    }

    @Test
    void apply_belowAPendingDelete_letsItDrainOnceMore() {
        ShardKey key = key("a");
        Prepared prepared = prepare(key);
        call(writeBackOf(key, EntryKind.DELETED, "", 5, Condition.NONE, Optional.of(Version.ABSENT), 10));
        Pending delete = peekOnly(key);
        assertThat(call(apply(key, AppliedChange.UPSERTED, prepared.version(), "row", Optional.of(prepared)))
                        .result())
                .isEqualTo(ApplyReply.Result.OLDER);
        assertThat(call(drained(delete, Fate.APPLIED))).isEqualTo(DrainedReply.AGAIN);
        Pending again = peekOnly(key);
        assertThat(again.entry().version()).isEqualTo(delete.entry().version());
        assertThat(again.entry().writeId()).isNotEqualTo(delete.entry().writeId());
    }

    private SharedCommand.Restore restore(ShardKey key, String value, long version, long lease, boolean isAsked) {
        return new SharedCommand.Restore(
                key,
                generationOf(key),
                EntryKind.VALUE,
                value.getBytes(UTF_8),
                version,
                new Version(version),
                lease,
                isAsked);
    }

    @Test
    void restore_ofAWriteOlderThanOneDrainedSinceThePrimaryWasAsked_isCold() {
        ShardKey key = key("a");
        assertThat(call(restore(key, "old", 500, 7, false))).isEqualTo(RestoreReply.COLD);
        assertThat(call(restore(key, "new", 600, 8, false))).isEqualTo(RestoreReply.COLD);
        assertThat(call(restore(key, "new", 600, 8, true))).isEqualTo(RestoreReply.COLD);
        call(writeBackOf(key, EntryKind.VALUE, "new", 5, Condition.NONE, Optional.of(Version.ABSENT), 10));
        call(drained(peekOnly(key), Fate.SUPERSEDED));
        assertThat(call(restore(key, "old", 500, 7, true))).isEqualTo(RestoreReply.COLD);
        assertThat(call(restore(key, "old", 500, 9, false))).isEqualTo(RestoreReply.COLD);
        assertThat(call(restore(key, "old", 500, 9, true))).isEqualTo(RestoreReply.RESTORED);
        assertThat(call(restore(key, "new", 600, 8, true))).isEqualTo(RestoreReply.RESTORED);
    }

    @Test
    void drained_ofARecordThatIsNoLongerThere_dropsWhatWasLoadedBefore() {
        ShardKey key = key("a");
        writeBack(key, "v", 0);
        Pending pending = peekOnly(key);
        long version = pending.entry().version().value();
        call(drained(pending, Fate.SUPERSEDED)); // as if it were lost
        fill(key, "old", version - 1);
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.GONE);
        assertThat(call(lease(key, 7))).isInstanceOf(LeaseReply.Granted.class);
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.GONE);
        assertThat(call(fillOf(key, 7, "old", version - 1))).isEqualTo(FillReply.LOST);
        call(lease(key, 8));
        call(new SharedCommand.Fill(key, generationOf(key), 8, EntryKind.ABSENT, Version.ABSENT, new byte[0], TTL));
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.GONE);
        assertThat(reply(cache.read(List.of(key)))).containsOnlyNulls();
        fill(key, "v", version);
        assertThat(call(drained(pending, Fate.APPLIED))).isEqualTo(DrainedReply.GONE);
        assertThat(read(key).version()).isEqualTo(new Version(version));
        assertConserved(status(key));
    }

    @Test
    void restore_ofALostWrite_isPendingAgainUnlessOlder() {
        ShardKey key = key("a");
        assertThat(call(restore(key, "back", 500, 7, true))).isEqualTo(RestoreReply.COLD);
        assertThat(call(restore(key, "back", 500, 7, false))).isEqualTo(RestoreReply.COLD);
        assertThat(call(restore(key, "back", 500, 7, true))).isEqualTo(RestoreReply.RESTORED);
        assertThat(call(restore(key, "back", 500, 7, true))).isEqualTo(RestoreReply.NEWER);
        assertThat(read(key).pending()).isTrue();
        assertThat(read(key).version()).isEqualTo(new Version(500));
        assertThat(read(key).base()).isEqualTo(Version.UNKNOWN);
        assertThat(call(new SharedCommand.ReportLost(key.shard(), generationOf(key), 3))
                        .lost())
                .isEqualTo(3);
        assertConserved(status(key));
    }

    @Test
    void writeBack_overAPendingValueOfOtherColumns_isRefusedUntilItCarriesThemOn() {
        ShardKey key = key("a");
        WriteBackReply.Accepted pending = writeBack(key, "new: color", 0);
        byte[] own = "old:".getBytes(UTF_8);
        assertThat(call(carrying(key, "old: v", new SharedCommand.Carried(own, Version.ABSENT))))
                .isEqualTo(new WriteBackReply.Foreign(pending.version()));
        assertThat(new String(read(key).payload(), UTF_8)).isEqualTo("new: color");
        assertThat(call(carrying(key, "new: v, color", new SharedCommand.Carried(own, pending.version()))))
                .isInstanceOf(WriteBackReply.Accepted.class);
        assertThat(call(carrying(key, "new: w", new SharedCommand.Carried("new:".getBytes(UTF_8), Version.ABSENT))))
                .isInstanceOf(WriteBackReply.Accepted.class);
        assertConserved(status(key));
    }

    private SharedCommand.WriteBack carrying(ShardKey key, String value, SharedCommand.Carried carried) {
        return new SharedCommand.WriteBack(
                key,
                generationOf(key),
                EntryKind.VALUE,
                value.getBytes(UTF_8),
                nextWriteId(),
                Condition.NONE,
                Optional.empty(),
                QueueLimit.entries(10),
                Version.ABSENT,
                Optional.of(carried));
    }

    /** A new shard's clock has a head start of 200 ms. */
    @Test
    void known_ofTheFuture_movesTheClockByTheToleratedSkewAtMost() {
        ShardKey key = key("a");
        Version tomorrow = new Version(prepare(key).preparedMicros() + 86_400_000_000L);
        assertThat(writeBack(key, tomorrow)).isLessThan(tomorrow);
        Prepared prepared = prepare(key, tomorrow);
        assertThat(prepared.version().value()).isLessThan(prepared.preparedMicros() + 201_000);
    }

    private Version writeBack(ShardKey key, Version known) {
        WriteBackReply.Accepted accepted = (WriteBackReply.Accepted) call(new SharedCommand.WriteBack(
                key,
                generationOf(key),
                EntryKind.VALUE,
                new byte[0],
                1,
                Condition.NONE,
                Optional.of(Version.ABSENT),
                QueueLimit.entries(10),
                known));
        return accepted.version();
    }

    private Prepared prepare(ShardKey key, Version known) {
        return call(new SharedCommand.Prepare(key, generationOf(key), MARKER, known));
    }

    private SharedCommand.WriteBack plain(ShardKey key, long writeId, Optional<Version> base) {
        return writeBackOf(key, EntryKind.VALUE, "v", writeId, Condition.NONE, base, 10);
    }

    private SharedCommand.WriteBack limited(ShardKey key, int limit) {
        return writeBackOf(
                key, EntryKind.VALUE, "v", nextWriteId(), Condition.NONE, Optional.of(Version.ABSENT), limit);
    }

    private SharedCommand.WriteBack conditional(ShardKey key, long writeId, Condition condition) {
        return writeBackOf(key, EntryKind.VALUE, "v", writeId, condition, Optional.empty(), 10);
    }

    private ShardKey sameShard(ShardKey key) {
        for (int i = 0; ; i++) {
            ShardKey other = key("other" + i);
            if (other.shard() == key.shard()) {
                return other;
            }
        }
    }
}
