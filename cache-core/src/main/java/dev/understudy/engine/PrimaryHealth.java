package dev.understudy.engine;

import dev.understudy.spi.Clock;
import dev.understudy.spi.ForwardingPrimary;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * The primary, with a note of whether it answers: every call leaves one, and where the last is older than {@link #FRESH} the primary is asked.
 * Thread-safe; one caller asks, those who come meanwhile wait for his answer.
 *
 * <p>A server that refuses a statement answers. One that has no connection to give, is shutting down or does not answer in time is away.
 */
final class PrimaryHealth extends ForwardingPrimary {
    private static final Duration FRESH = Duration.ofMillis(500);
    private static final Duration TRIAL = Duration.ofMillis(250);

    private final Clock clock;
    private final AtomicReference<Note> last;
    private final AtomicReference<@Nullable CompletableFuture<Boolean>> asking = new AtomicReference<>();

    private record Note(boolean answered, long at) {}

    PrimaryHealth(Primary primary, Clock clock) {
        super(primary);
        this.clock = clock;
        this.last = new AtomicReference<>(new Note(true, clock.nanoTime() - FRESH.toNanos()));
    }

    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        try {
            T result = super.call(use, timeout, work);
            note(true);
            return result;
        } catch (PrimaryFailure e) {
            note(!isAway(e));
            throw e;
        }
    }

    /** Whether the primary answers, as of less than {@link #FRESH} ago. */
    boolean answers(Deadline deadline) {
        Note seen = last.get();
        if (clock.nanoTime() - seen.at() < FRESH.toNanos()) {
            return seen.answered();
        }
        CompletableFuture<Boolean> mine = new CompletableFuture<>();
        CompletableFuture<Boolean> first = asking.compareAndExchange(null, mine);
        if (first != null) {
            return answer(first, deadline);
        }
        boolean answers = false;
        try {
            answers = ask(deadline);
        } finally {
            asking.set(null);
            mine.complete(answers);
        }
        return answers;
    }

    private boolean ask(Deadline deadline) {
        Duration left = deadline.remaining();
        try {
            call(Use.LOAD, left.compareTo(TRIAL) < 0 ? left : TRIAL, this::clockMicros);
            return true;
        } catch (PrimaryFailure e) {
            // Late is away as well: the write-through would be as late.
            note(false);
            return false;
        }
    }

    private static boolean answer(CompletableFuture<Boolean> of, Deadline deadline) {
        try {
            return deadline.await(of);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException e) { // not heard of in this caller's time
            return false;
        }
    }

    private void note(boolean answered) {
        last.set(new Note(answered, clock.nanoTime()));
    }

    private static boolean isAway(PrimaryFailure e) {
        return e.kind() == PrimaryFailure.Kind.NO_CONNECTION || e.isServerAway();
    }
}
