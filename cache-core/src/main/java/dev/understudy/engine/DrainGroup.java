package dev.understudy.engine;

import dev.understudy.engine.DrainBatch.Item;
import dev.understudy.engine.DrainBatch.MassRefusal;
import dev.understudy.engine.DrainBatch.Result;
import dev.understudy.model.Invalid;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Drains of repositories whose tables refer to each other, parents first: one transaction for what is pending in all of them. Thread-safe:
 * a round holds the round locks of all members, taken in their order; while one is paused there is none.
 *
 * <h2>Ordering</h2>
 * Upserts go parents first, deletes after them and children first, so that foreign keys hold after each statement. The shards' rows, then
 * the tables' rows, are locked by rank of the table and order of the key, before anything is written where there are deletes.
 *
 * <h2>Failure</h2>
 * A transaction that fails for its data is halved in the order of the writes until a row stands alone, as in {@link DrainBatch}. A row
 * whose parent another instance drains waits for it.
 */
final class DrainGroup {
    /** Refused rows of one round that are taken for bad data, at most; beyond them a tenth of the round. */
    private static final int MASS = 10;

    private final Primary primary;
    private final List<Drain<?, ?>> members;

    DrainGroup(Primary primary, List<Drain<?, ?>> parentsFirst) {
        this.primary = primary;
        this.members = List.copyOf(parentsFirst);
    }

    /** What a group must know of a repository. Thread-safe. */
    static final class Member {
        private final String name;
        private final boolean allowsWriteBack;
        private final Primary primary;
        private final @Nullable Drain<?, ?> drain;
        private final AtomicBoolean isGrouped = new AtomicBoolean();

        Member(String name, boolean allowsWriteBack, Primary primary, @Nullable Drain<?, ?> drain) {
            this.name = name;
            this.allowsWriteBack = allowsWriteBack;
            this.primary = primary;
            this.drain = drain;
        }
    }

    /**
     * Has repositories of one primary drain together; one that does not drain in this instance takes no part.
     *
     * @throws Invalid if one allows no write-back or is in a group already; nothing is changed then
     */
    static void form(List<CacheEngine<?, ?>> parentsFirst) {
        List<Member> members =
                parentsFirst.stream().<Member>map(CacheEngine::drained).toList();
        for (Member member : members) {
            if (!member.allowsWriteBack) {
                throw new Invalid(
                        "write-back is not allowed on " + member.name + ": it has nothing to drain in a group");
            }
        }
        List<Member> taken = new ArrayList<>();
        for (Member member : members) {
            if (!member.isGrouped.compareAndSet(false, true)) {
                taken.forEach(other -> other.isGrouped.set(false));
                throw new Invalid(member.name + " is in a group already");
            }
            taken.add(member);
        }
        List<Drain<?, ?>> drains = new ArrayList<>();
        for (Member member : members) {
            if (member.drain != null) {
                drains.add(member.drain);
            }
        }
        DrainGroup group = new DrainGroup(members.get(0).primary, drains);
        drains.forEach(drain -> drain.join(group));
    }

    /** An entry of a member's round. */
    private record Part<K, V>(Drain<K, V>.Round round, Item<K, V> item) {}

    /** One round of all members; answers how long to wait until the next. */
    Duration step() {
        members.forEach(member -> member.roundLock().lock());
        try {
            List<Drain<?, ?>.Round> rounds = new ArrayList<>();
            if (members.stream().anyMatch(Drain::isPaused)) {
                return Drain.IDLE_PAUSE;
            }
            for (Drain<?, ?> member : members) {
                if (member.isRunning()) {
                    member.begin().ifPresent(rounds::add);
                }
            }
            return rounds.isEmpty() ? Drain.IDLE_PAUSE : write(rounds);
        } finally {
            members.forEach(member -> member.roundLock().unlock());
        }
    }

    private Duration write(List<Drain<?, ?>.Round> rounds) {
        if (rounds.size() == 1) {
            return rounds.get(0).write();
        }
        List<Part<?, ?>> parts = new ArrayList<>();
        for (Drain<?, ?>.Round round : rounds) {
            parts.addAll(parts(round, false));
        }
        for (int rank = rounds.size() - 1; rank >= 0; rank--) {
            parts.addAll(parts(rounds.get(rank), true));
        }
        Tally tally = new Tally(parts.size(), rounds.get(0).locksUntil());
        try {
            split(rounds, parts, tally);
            if (tally.massRefusal != null) {
                throw tally.massRefusal;
            }
            rounds.forEach(round -> round.batch().buryRefused());
        } finally {
            rounds.forEach(Drain.Round::tell);
        }
        Duration pause = Drain.IDLE_PAUSE;
        for (Drain<?, ?>.Round round : rounds) {
            Duration own = round.end();
            pause = own.compareTo(pause) < 0 ? own : pause;
        }
        return pause;
    }

    private static <K, V> List<Part<K, V>> parts(Drain<K, V>.Round round, boolean deletes) {
        return round.items().stream()
                .filter(item -> item.deletes() == deletes)
                .map(item -> new Part<>(round, item))
                .toList();
    }

    /** What stood in the way of one round of the group. Confined to the thread that holds the round locks. */
    private static final class Tally {
        private final int size;
        private final Deadline locksUntil;
        private int refused;
        private @Nullable MassRefusal massRefusal;
        private boolean gaveUp;

        Tally(int size, Deadline locksUntil) {
            this.size = size;
            this.locksUntil = locksUntil;
        }

        void add(PrimaryFailure e) {
            refused++;
            if (refused >= MASS && refused * 10 > size) {
                massRefusal = new MassRefusal(refused, size, e.sqlState());
            }
        }
    }

    private void split(List<Drain<?, ?>.Round> rounds, List<Part<?, ?>> parts, Tally tally) {
        if (tally.massRefusal != null && tally.locksUntil.isPast()) {
            tally.gaveUp = true;
        }
        if (parts.isEmpty() || tally.gaveUp) {
            return;
        }
        try {
            Duration timeout = rounds.stream()
                    .map(Drain.Round::timeout)
                    .max(Duration::compareTo)
                    .orElseThrow();
            primary.call(Primary.Use.DRAIN, timeout, connection -> writeOn(connection, rounds, parts))
                    .forEach(Runnable::run);
        } catch (PrimaryFailure e) {
            boolean isLocked = "55P03".equals(e.sqlState());
            boolean isRow = e.kind() == PrimaryFailure.Kind.DATA || isLocked;
            if (!isRow) {
                throw e;
            }
            if (isLocked && (tally.locksUntil.isPast() || !rounds.stream().allMatch(Drain.Round::goesOn))) {
                // A whole table is locked, most likely: what is left waits for the next round.
                tally.gaveUp = true;
                return;
            }
            if (parts.size() > 1) {
                split(rounds, parts.subList(0, parts.size() / 2), tally);
                split(rounds, parts.subList(parts.size() / 2, parts.size()), tally);
            } else if (isRefused(parts.get(0), e)) {
                tally.add(e);
            }
        }
    }

    private static <K, V> boolean isRefused(Part<K, V> part, PrimaryFailure e) {
        return part.round().batch().isRefused(part.item(), e);
    }

    /** Writes the parts; answers what to take note of once that has committed. */
    private static List<Runnable> writeOn(
            PrimaryConnection connection, List<Drain<?, ?>.Round> rounds, List<Part<?, ?>> parts) throws Exception {
        List<Writing<?, ?>> writings = new ArrayList<>();
        for (Drain<?, ?>.Round round : rounds) {
            Writing<?, ?> writing = writing(round, parts);
            if (!writing.items.isEmpty()) {
                writings.add(writing);
            }
        }
        for (Writing<?, ?> writing : writings) {
            writing.fence(connection);
        }
        boolean mayCross = writings.size() > 1
                && parts.stream().anyMatch(part -> part.item().deletes());
        if (mayCross) {
            for (Writing<?, ?> writing : writings) {
                writing.lock(connection);
            }
        }
        for (Writing<?, ?> writing : writings) {
            writing.write(connection, false);
        }
        for (int rank = writings.size() - 1; rank >= 0; rank--) {
            writings.get(rank).write(connection, true);
        }
        List<Runnable> committed = new ArrayList<>();
        writings.forEach(writing -> committed.add(writing::committed));
        return committed;
    }

    private static <K, V> Writing<K, V> writing(Drain<K, V>.Round round, List<Part<?, ?>> parts) {
        List<Item<K, V>> items = new ArrayList<>();
        for (Part<?, ?> part : parts) {
            if (part.round() == round) {
                @SuppressWarnings("unchecked") // an item of this round
                Item<K, V> item = (Item<K, V>) part.item();
                items.add(item);
            }
        }
        return new Writing<>(round.batch(), items);
    }

    /** One member's part of one transaction. Confined to the thread that runs it. */
    private static final class Writing<K, V> {
        private final DrainBatch<K, V> batch;
        private final Map<Item<K, V>, Result> written = new LinkedHashMap<>();
        private List<Item<K, V>> items;

        Writing(DrainBatch<K, V> batch, List<Item<K, V>> items) {
            this.batch = batch;
            this.items = items;
        }

        void fence(PrimaryConnection connection) throws Exception {
            items = batch.fenced(connection, items);
        }

        void lock(PrimaryConnection connection) throws Exception {
            batch.lock(connection, items);
        }

        void write(PrimaryConnection connection, boolean deletes) throws Exception {
            List<Item<K, V>> now =
                    items.stream().filter(item -> item.deletes() == deletes).toList();
            if (!now.isEmpty()) {
                written.putAll(batch.writeOwned(connection, now));
            }
        }

        void committed() {
            batch.committed(written);
        }
    }
}
