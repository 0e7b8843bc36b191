package dev.understudy.torture;

import dev.understudy.checkers.Operation;
import dev.understudy.checkers.Operation.Kind;
import dev.understudy.checkers.Operation.Level;
import dev.understudy.checkers.Operation.Outcome;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The calls of one worker, in a file that outlives its SIGKILL: every line is in the system's page cache before the call it announces is
 * made, or before its answer is used. Times are {@code System.nanoTime()}, which all processes of one Linux machine share. Thread-safe.
 */
public final class Journal implements AutoCloseable {
    private static final String INVOKED = "I";
    private static final String ANSWERED = "A";
    private static final String DIED = "D";

    private final FileOutputStream file;

    /** A journal that goes on in that file. */
    public Journal(Path path) {
        try {
            file = new FileOutputStream(path.toFile(), true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * A call that is about to be made.
     *
     * @param id used once in a run; for a write the number of its value
     * @param process the thread; its calls do not overlap, but for those of one batch
     * @param session the session of the call; empty for none
     * @param boundNanos the staleness that a bounded read allows
     * @param key without spaces
     */
    public record Invocation(
            long id, int process, String session, Kind kind, Level level, long boundNanos, String key) {
        /** A call outside of a session. */
        public Invocation(long id, int process, Kind kind, Level level, long key) {
            this(id, process, "", kind, level, 0, Long.toString(key));
        }
    }

    /**
     * What came of a call.
     *
     * @param value read or written
     * @param base for a compare-and-set the value that it replaced; {@link Operation#ANY} for all others
     * @param mayTrail whether a read said that acknowledged write-backs may be missing: it claims no bound then
     */
    public record Answer(long id, Outcome outcome, long value, long base, long version, boolean mayTrail) {
        /** An answer that is no compare-and-set's. */
        public Answer(long id, Outcome outcome, long value, long version) {
            this(id, outcome, value, Operation.ANY, version, false);
        }
    }

    /** The calls are about to be made. */
    public void invoked(Collection<Invocation> calls) {
        StringBuilder lines = new StringBuilder();
        long now = System.nanoTime();
        for (Invocation call : calls) {
            lines.append(INVOKED
                            + ' '
                            + call.id()
                            + ' '
                            + call.process()
                            + ' '
                            + call.kind()
                            + ' '
                            + call.level()
                            + ' ')
                    .append(call.key() + ' ' + now + ' ' + call.boundNanos() + ' ' + call.session() + '\n');
        }
        write(lines);
    }

    /** The calls were answered. */
    public void answered(Collection<Answer> answers) {
        StringBuilder lines = new StringBuilder();
        long now = System.nanoTime();
        for (Answer answer : answers) {
            lines.append(ANSWERED + ' ' + answer.id() + ' ' + answer.outcome() + ' ' + answer.value() + ' ')
                    .append(answer.version() + " " + now + ' ' + answer.base() + ' ' + answer.mayTrail() + '\n');
        }
        write(lines);
    }

    /** The process ends itself. */
    void died(CrashPoint point) {
        write(new StringBuilder(DIED + ' ' + point + '\n'));
    }

    private void write(StringBuilder lines) {
        try {
            // One system call, so that a kill cuts at most the last line.
            file.write(lines.toString().getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        try {
            file.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What a journal tells.
     *
     * @param operations the calls; those without an answer are of unknown outcome
     * @param deaths where the worker ended itself
     */
    public record Contents(List<Operation> operations, List<CrashPoint> deaths) {}

    /** Reads a journal; a last line that was cut off is left out. */
    public static Contents read(Path path) {
        String text;
        try {
            text = Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Map<Long, Operation> calls = new LinkedHashMap<>();
        List<CrashPoint> deaths = new ArrayList<>();
        text.substring(0, text.lastIndexOf('\n') + 1).lines().forEach(line -> {
            String[] words = line.split(" ", -1);
            switch (words[0]) {
                case INVOKED -> calls.put(Long.parseLong(words[1]), invocation(words));
                case ANSWERED -> calls.computeIfPresent(Long.parseLong(words[1]), (id, call) -> answered(call, words));
                case DIED -> deaths.add(CrashPoint.valueOf(words[1]));
                default -> throw new IllegalStateException("a line of an unknown kind");
            }
        });
        return new Contents(List.copyOf(calls.values()), deaths);
    }

    private static Operation invocation(String[] words) {
        Kind kind = Kind.valueOf(words[3]);
        return new Operation(
                Integer.parseInt(words[2]),
                words[8],
                words[5],
                kind,
                Level.valueOf(words[4]),
                Long.parseLong(words[7]),
                kind == Kind.WRITE ? Long.parseLong(words[1]) : Operation.NOTHING,
                Operation.ANY,
                0,
                Long.parseLong(words[6]),
                Operation.NEVER,
                Outcome.UNKNOWN);
    }

    private static Operation answered(Operation call, String[] words) {
        Outcome outcome = Outcome.valueOf(words[2]);
        boolean claimsNoBound = call.level() == Level.BOUNDED && Boolean.parseBoolean(words[7]);
        return new Operation(
                call.process(),
                call.session(),
                call.key(),
                call.kind(),
                claimsNoBound ? Level.EVENTUAL : call.level(),
                call.boundNanos(),
                call.kind() == Kind.DELETE ? Operation.NOTHING : Long.parseLong(words[3]),
                Long.parseLong(words[6]),
                Long.parseLong(words[4]),
                call.invoked(),
                outcome == Outcome.UNKNOWN ? Operation.NEVER : Long.parseLong(words[5]),
                outcome);
    }
}
