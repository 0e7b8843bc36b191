package dev.understudy.torture;

import dev.understudy.CachedRepository;
import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import dev.understudy.model.Ack;
import dev.understudy.model.Read;
import dev.understudy.model.UnderstudyException;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.model.Write;
import dev.understudy.model.WriteMode;
import dev.understudy.model.WriteReceipt;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * A thread that makes calls of all kinds on the rows of one round, hot and cold ones, until it is told to stop. Half of the rows are written
 * in both modes, the others through only. Of the calls at least 30 % are writes and 22 % strong reads.
 */
final class Caller implements Runnable {
    /** Rows of a table in a round. */
    static final int KEYS = 120;

    private static final int HOT = 4;
    private static final int FEW = 24;
    private static final int CONTENDED = 3;
    private static final int MANY = 16;
    private static final int PER_SESSION = 25;
    private static final int PER_WANDERING_SESSION = 4;
    private static final int BITS_OF_CALLS = 40;
    private static final int BITS_OF_A_ROUND = 24;
    private static final Duration BREATH = Duration.ofMillis(1);
    private static final List<Duration> BOUNDS =
            List.of(Duration.ofMillis(300), Duration.ofSeconds(1), Instance.MAX_STALENESS);

    private final Instance instance;
    private final Journal journal;
    private final Sessions sessions;
    private final SplittableRandom random;
    private final int process;
    private final long round;
    private final Mix mix;
    private long calls;
    private volatile boolean running = true;

    /** What is called. */
    enum Mix {
        ALL,
        /**
         * Reads that near replicas may serve, for the most part; a third of the calls in sessions, an eighth writes. A session goes from process to
         * process after a few calls and comes back to the same row, which it only reads, or writes too, or reads strongly too.
         */
        READS,
        /** Bounded reads and writes of a few rows without order, which the replicas forget at each write and load again. */
        FORGETTING,
        /** Write-backs and strong reads of very few rows, so that many of them overlap. */
        CONTENDING,
        /** Write-backs, a third of the writes deletes, and strong reads of a few rows that may be deleted. */
        DELETING
    }

    Caller(
            Instance instance,
            Journal journal,
            Sessions sessions,
            SplittableRandom random,
            int process,
            long round,
            Mix mix) {
        this.instance = instance;
        this.journal = journal;
        this.sessions = sessions;
        this.random = random;
        this.process = process;
        this.round = round;
        this.mix = mix;
    }

    /** The first id of a round. */
    static long firstOf(long round) {
        return round * 1_000;
    }

    /** Ends the thread after its call. */
    void stop() {
        running = false;
    }

    @Override
    public void run() {
        while (running) {
            boolean isInSession = random.nextInt(10) == 0;
            switch (mix) {
                case ALL -> call(isInSession, this::inSession, this::outside);
                case READS -> call(isInSession, this::wandering, this::near);
                case FORGETTING -> forgetting();
                case CONTENDING -> contending();
                case DELETING -> deleting();
            }
        }
    }

    private static void call(boolean isInSession, Runnable inside, Runnable outside) {
        (isInSession ? inside : outside).run();
    }

    private void forgetting() {
        long id = firstOf(round) + random.nextInt(FEW);
        CachedRepository<Long, Entry> repository = instance.on(Rows.PLAIN);
        if (random.nextInt(6) == 0) {
            save(Rows.PLAIN, repository, "", id);
        } else {
            read(Rows.PLAIN, repository, "", id, Level.BOUNDED, BOUNDS.get(0));
        }
        FaultKind.pause(BREATH);
    }

    private void contending() {
        long id = firstOf(round) + 1 + random.nextInt(CONTENDED);
        if (random.nextBoolean()) {
            back(id, false);
        } else {
            readStrongly(id);
        }
        FaultKind.pause(BREATH);
    }

    private void deleting() {
        long id = firstOf(round) + 7 + 10L * random.nextInt(KEYS / 10);
        if (random.nextBoolean()) {
            back(id, random.nextInt(3) == 0);
        } else {
            readStrongly(id);
        }
        FaultKind.pause(BREATH);
    }

    private void back(long id, boolean deletes) {
        CachedRepository<Long, Entry> repository = instance.on(Rows.VERSIONED);
        Kind kind = deletes ? Kind.DELETE : Kind.WRITE;
        long call = begin(Rows.VERSIONED, "", kind, Level.STRONG, Duration.ZERO, id);
        write(
                Rows.VERSIONED,
                call,
                () -> deletes ? repository.delete(id, Write.back()) : repository.save(entry(id, call), Write.back()),
                new AtomicLong(Operation.ANY));
    }

    private void readStrongly(long id) {
        read(Rows.VERSIONED, instance.on(Rows.VERSIONED), "", id, Level.STRONG, Duration.ZERO);
    }

    private void near() {
        Rows rows = rows();
        CachedRepository<Long, Entry> repository = instance.on(rows);
        long id = id();
        int roll = random.nextInt(100);
        if (roll < 85) {
            read(rows, repository, "", id, Level.BOUNDED, bound());
        } else if (roll < 88) {
            read(rows, repository, "", id, Level.EVENTUAL, Duration.ZERO);
        } else {
            save(rows, repository, "", id);
        }
        FaultKind.pause(BREATH);
    }

    private void inSession() {
        Sessions.Lent lent = lend();
        try {
            for (int i = 0; i < PER_SESSION && running; i++) {
                inSession(lent, rows(), id(), random.nextInt(3) == 0, random.nextInt(8) == 0);
            }
        } finally {
            sessions.giveBack(lent, false);
        }
    }

    /**
     * What a session remembers of the row that it wrote, read strongly or was shown by the primary hides what its position alone must do: so some
     * only read, and all end soon.
     */
    private void wandering() {
        Sessions.Lent lent = lend();
        int number = Math.floorMod(lent.file().hashCode(), 3 * HOT);
        Rows rows = number / 3 % 2 == 0 ? Rows.VERSIONED : Rows.TRIGGERED;
        long id = firstOf(round) + number / 3;
        try {
            for (int i = 0; i < PER_WANDERING_SESSION && running; i++) {
                boolean isOther = random.nextInt(3) == 0;
                if (random.nextInt(4) == 0) {
                    inSession(lent, rows(), id(), isOther, false);
                } else {
                    inSession(lent, rows, id, isOther && number % 3 == 1, isOther && number % 3 == 2);
                }
            }
        } finally {
            sessions.giveBack(lent, random.nextInt(10) == 0);
        }
    }

    private Sessions.Lent lend() {
        return sessions.take(random, "session-" + round + "-" + process + "-" + calls);
    }

    private void inSession(Sessions.Lent lent, Rows rows, long id, boolean writes, boolean isStrong) {
        CachedRepository<Long, Entry> repository = instance.on(rows).in(lent.session());
        if (writes) {
            save(rows, repository, lent.name(), id);
        } else {
            read(rows, repository, lent.name(), id, isStrong ? Level.STRONG : Level.SESSION, Duration.ZERO);
        }
    }

    private void outside() {
        Rows rows = rows();
        CachedRepository<Long, Entry> repository = instance.on(rows);
        long id = id();
        int roll = random.nextInt(100);
        if (roll < 25) {
            read(rows, repository, "", id, Level.STRONG, Duration.ZERO);
        } else if (roll < 40) {
            read(rows, repository, "", id, Level.BOUNDED, bound());
        } else if (roll < 50) {
            readMany(rows, repository, Level.STRONG, Duration.ZERO);
        } else if (roll < 54) {
            readMany(rows, repository, Level.BOUNDED, bound());
        } else if (roll < 75) {
            save(rows, repository, "", id);
        } else if (roll < 82) {
            saveMany(rows, repository);
        } else if (roll < 89) {
            update(rows, repository, id);
        } else if (roll < 93) {
            delete(rows, repository, id);
        } else if (roll < 96) {
            insert(rows, repository, id);
        } else {
            transaction();
        }
    }

    private Rows rows() {
        int roll = random.nextInt(10);
        return roll < 5 ? Rows.VERSIONED : roll < 7 ? Rows.PLAIN : Rows.TRIGGERED;
    }

    private long id() {
        int index = random.nextInt(5) == 0 ? random.nextInt(HOT) : HOT + random.nextInt(KEYS - HOT);
        return firstOf(round) + index;
    }

    /** Some of the cold rows are deleted now and then. */
    private static boolean mayBeDeleted(long id) {
        return id % 10 == 7 || id % 20 == 4;
    }

    /** Of three tables one cannot be written back: half of all rows are three quarters of the others. */
    private static boolean isInBothModes(long id) {
        return id % 4 != 0;
    }

    private Write mode(Rows rows, long id) {
        boolean back = rows.allowsWriteBack() && isInBothModes(id) && random.nextBoolean();
        if (!back) {
            return Write.through();
        }
        int roll = random.nextInt(16);
        return roll == 0
                ? Write.back().ack(Ack.replicated(1))
                : roll < 5 ? Write.back().ack(Ack.FSYNCED) : Write.back();
    }

    private long begin(Rows rows, String session, Kind kind, Level level, Duration bound, long id) {
        long call = nextCall();
        journal.invoked(
                List.of(new Journal.Invocation(call, process, session, kind, level, bound.toNanos(), rows.key(id))));
        return call;
    }

    private List<Long> begin(Rows rows, Kind kind, Level level, Duration bound, Set<Long> ids) {
        List<Journal.Invocation> invocations = new ArrayList<>();
        for (long id : ids) {
            invocations.add(
                    new Journal.Invocation(nextCall(), process, "", kind, level, bound.toNanos(), rows.key(id)));
        }
        journal.invoked(invocations);
        return invocations.stream().map(Journal.Invocation::id).toList();
    }

    /** Used once in a run: the number of a thread, of a round and of a call. */
    private long nextCall() {
        return ((long) process << BITS_OF_CALLS) + (round << BITS_OF_A_ROUND) + ++calls;
    }

    private void read(
            Rows rows, CachedRepository<Long, Entry> repository, String session, long id, Level level, Duration bound) {
        long call = begin(rows, session, Kind.READ, level, bound, id);
        try {
            Versioned<Entry> found = repository.read(id, options(level, bound));
            journal.answered(List.of(answer(rows, call, found)));
        } catch (UnderstudyException e) {
            journal.answered(List.of(new Journal.Answer(call, Outcome.FAIL, 0, 0)));
        }
    }

    private static Journal.Answer answer(Rows rows, long call, Versioned<Entry> found) {
        return new Journal.Answer(
                call,
                Outcome.OK,
                found.value().map(Entry::number).orElse(Operation.NOTHING),
                Operation.ANY,
                version(rows, found.version()),
                found.mayTrail());
    }

    /** Rows without order have no version to compare. */
    private static long version(Rows rows, Version version) {
        return rows.allowsWriteBack() ? version.value() : 0;
    }

    private void readMany(Rows rows, CachedRepository<Long, Entry> repository, Level level, Duration bound) {
        Set<Long> ids = someIds();
        List<Long> invoked = begin(rows, Kind.READ, level, bound, ids);
        List<Journal.Answer> answers = new ArrayList<>();
        try {
            Map<Long, Versioned<Entry>> found = repository.readAll(ids, options(level, bound));
            int i = 0;
            for (long id : ids) {
                answers.add(answer(rows, invoked.get(i++), Objects.requireNonNull(found.get(id))));
            }
        } catch (UnderstudyException e) {
            invoked.forEach(call -> answers.add(new Journal.Answer(call, Outcome.FAIL, 0, 0)));
        }
        journal.answered(answers);
    }

    /** Write-through all or none, write-back each by itself. */
    private void saveMany(Rows rows, CachedRepository<Long, Entry> repository) {
        Set<Long> ids = someIds();
        Write mode = mode(rows, ids.iterator().next());
        if (mode.mode().equals(Optional.of(WriteMode.BACK))) {
            ids.removeIf(id -> !isInBothModes(id));
        }
        List<Long> invoked = begin(rows, Kind.WRITE, Level.STRONG, Duration.ZERO, ids);
        List<Entry> entries = new ArrayList<>();
        int i = 0;
        for (long id : ids) {
            entries.add(entry(id, invoked.get(i++)));
        }
        List<Journal.Answer> answers = new ArrayList<>();
        try {
            Map<Long, WriteReceipt> receipts = repository.saveAll(entries, mode);
            for (Entry entry : entries) {
                WriteReceipt receipt = receipts.get(entry.id());
                answers.add(
                        receipt == null
                                ? new Journal.Answer(entry.number(), Outcome.UNKNOWN, entry.number(), 0)
                                : new Journal.Answer(
                                        entry.number(), Outcome.OK, entry.number(), version(rows, receipt.version())));
            }
        } catch (UnderstudyException e) {
            // Of several write-backs some may have been made.
            boolean isNone = mode.mode().equals(Optional.of(WriteMode.THROUGH)) && outcome(e) == Outcome.FAIL;
            Outcome outcome = isNone ? Outcome.FAIL : Outcome.UNKNOWN;
            invoked.forEach(call -> answers.add(new Journal.Answer(call, outcome, call, 0)));
        }
        journal.answered(answers);
    }

    private Set<Long> someIds() {
        Set<Long> ids = new LinkedHashSet<>();
        while (ids.size() < MANY) {
            ids.add(id());
        }
        return ids;
    }

    private Duration bound() {
        return BOUNDS.get(random.nextInt(BOUNDS.size()));
    }

    private static Read options(Level level, Duration bound) {
        return switch (level) {
            case STRONG -> Read.strong();
            case BOUNDED -> Read.bounded(bound);
            case SESSION -> Read.defaults();
            case EVENTUAL -> Read.eventual();
        };
    }

    private void save(Rows rows, CachedRepository<Long, Entry> repository, String session, long id) {
        long call = begin(rows, session, Kind.WRITE, Level.STRONG, Duration.ZERO, id);
        write(rows, call, () -> repository.save(entry(id, call), mode(rows, id)), new AtomicLong(Operation.ANY));
    }

    private void insert(Rows rows, CachedRepository<Long, Entry> repository, long id) {
        long call = begin(rows, "", Kind.WRITE, Level.STRONG, Duration.ZERO, id);
        write(rows, call, () -> repository.insert(entry(id, call), mode(rows, id)), new AtomicLong(Operation.NOTHING));
    }

    private void update(Rows rows, CachedRepository<Long, Entry> repository, long id) {
        long call = begin(rows, "", Kind.WRITE, Level.STRONG, Duration.ZERO, id);
        AtomicLong base = new AtomicLong(Operation.ANY);
        write(
                rows,
                call,
                () -> repository.update(
                        id,
                        before -> {
                            base.set(before.number());
                            return entry(id, call);
                        },
                        mode(rows, id)),
                base);
    }

    private void delete(Rows rows, CachedRepository<Long, Entry> repository, long id) {
        if (!mayBeDeleted(id)) {
            save(rows, repository, "", id);
            return;
        }
        long call = begin(rows, "", Kind.DELETE, Level.STRONG, Duration.ZERO, id);
        write(rows, call, () -> repository.delete(id, mode(rows, id)), new AtomicLong(Operation.ANY));
    }

    private static Entry entry(long id, long number) {
        return new Entry(id, number, "text of " + number);
    }

    private void write(Rows rows, long call, Supplier<WriteReceipt> write, AtomicLong base) {
        try {
            WriteReceipt receipt = write.get();
            journal.answered(List.of(
                    new Journal.Answer(call, Outcome.OK, call, base.get(), version(rows, receipt.version()), false)));
        } catch (UnderstudyException e) {
            journal.answered(List.of(new Journal.Answer(call, outcome(e), call, 0)));
        }
    }

    /** A write that is committed, but of which the shared replica was not told, takes effect later for others: as good as unknown. */
    private static Outcome outcome(UnderstudyException e) {
        return e.outcome() == dev.understudy.model.Outcome.NOT_APPLIED ? Outcome.FAIL : Outcome.UNKNOWN;
    }

    /** Two rows of two tables at once. */
    private void transaction() {
        long first = id();
        long second = id();
        long one = begin(Rows.VERSIONED, "", Kind.WRITE, Level.STRONG, Duration.ZERO, first);
        long two = begin(Rows.PLAIN, "", Kind.WRITE, Level.STRONG, Duration.ZERO, second);
        Outcome outcome = Outcome.OK;
        try {
            instance.understudy().inTransaction(Instance.TIMEOUT, tx -> {
                tx.on(instance.on(Rows.VERSIONED)).save(entry(first, one));
                tx.on(instance.on(Rows.PLAIN)).save(entry(second, two));
                return true;
            });
        } catch (UnderstudyException e) {
            outcome = outcome(e);
        }
        journal.answered(List.of(new Journal.Answer(one, outcome, one, 0), new Journal.Answer(two, outcome, two, 0)));
    }
}
