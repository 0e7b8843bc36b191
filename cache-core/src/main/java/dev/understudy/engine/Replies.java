package dev.understudy.engine;

import dev.understudy.model.DeadlineExceeded;
import dev.understudy.model.Invalid;
import dev.understudy.model.Outcome;
import dev.understudy.model.Rejected;
import dev.understudy.model.Tier;
import dev.understudy.model.Unavailable;
import dev.understudy.model.UnderstudyException;
import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.PrimaryFailure;
import dev.understudy.spi.SharedReplicaFailure;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/** Waiting for the ports, and what their failures mean to a caller. */
final class Replies {
    private Replies() {}

    /**
     * Waits for a reply of the shared replica.
     *
     * @throws SharedReplicaFailure {@code NO_ANSWER} if the deadline passes first or the thread is interrupted
     * @throws GenerationChanged as the stage says
     */
    static <R> R await(CompletionStage<R> stage, Deadline deadline) {
        try {
            return deadline.await(stage.toCompletableFuture());
        } catch (ExecutionException e) {
            throw unwrapped(e);
        } catch (TimeoutException e) {
            throw noAnswer("no answer before the deadline", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw noAnswer("interrupted while waiting for an answer", e);
        }
    }

    private static SharedReplicaFailure noAnswer(String message, Exception cause) {
        return new SharedReplicaFailure(SharedReplicaFailure.Reason.NO_ANSWER, message, cause);
    }

    private static RuntimeException unwrapped(ExecutionException failure) {
        Throwable inner = failure.getCause();
        if (inner instanceof CompletionException && inner.getCause() != null) {
            inner = inner.getCause();
        }
        if (inner instanceof GenerationChanged || inner instanceof SharedReplicaFailure) {
            return (RuntimeException) inner;
        }
        return new SharedReplicaFailure(SharedReplicaFailure.Reason.NO_ANSWER, "the adapter failed", inner);
    }

    /** What a failure of the shared replica means to the caller of an operation with that outcome. */
    static UnderstudyException shared(RuntimeException failure, Outcome outcome) {
        if (failure instanceof SharedReplicaFailure e && e.reason() == SharedReplicaFailure.Reason.OUT_OF_MEMORY) {
            return new Rejected("the shared replica is out of memory", Tier.SHARED, "maxmemory");
        }
        return new Unavailable(
                "the shared replica cannot be asked: " + failure.getMessage(), failure, Tier.SHARED, outcome);
    }

    /**
     * What the failure of a write means to one caller: an exception of his own, as several may be told of one failure, each in his thread.
     * Unchecked exceptions that are not the library's pass as they are where nothing was applied.
     */
    static RuntimeException ofWrite(Throwable thrown, Outcome outcome) {
        if (thrown instanceof PrimaryFailure failure) {
            return primary(failure);
        } else if (thrown instanceof UnderstudyException known) {
            return copy(known);
        } else if (thrown instanceof RuntimeException own && outcome == Outcome.NOT_APPLIED) {
            return own;
        }
        return new Unavailable(
                "the write failed in an unexpected way: " + thrown.getClass().getName(), thrown, Tier.LIBRARY, outcome);
    }

    private static UnderstudyException copy(UnderstudyException e) {
        String message = String.valueOf(e.getMessage());
        if (e instanceof Unavailable) {
            return new Unavailable(message, e.getCause(), e.tier(), e.outcome());
        } else if (e instanceof DeadlineExceeded) {
            return new DeadlineExceeded(message, e.getCause(), e.tier(), e.outcome());
        } else if (e instanceof Rejected rejected) {
            return new Rejected(message, e.tier(), rejected.limit());
        }
        // Conflicts and what is invalid concern one row, whose caller alone is told.
        return e;
    }

    /** What a failure of the primary means to the caller. */
    static UnderstudyException primary(PrimaryFailure failure) {
        String state = failure.sqlState().isEmpty() ? "" : " (SQLSTATE " + failure.sqlState() + ")";
        String message = "the primary failed" + state + ": " + failure.getMessage();
        return switch (failure.kind()) {
            case DATA, DEFINITION -> new Invalid(message, failure, Tier.PRIMARY);
            case NO_CONNECTION -> new Rejected(message, Tier.PRIMARY, "connections");
            case TRANSIENT ->
                "57014".equals(failure.sqlState()) || "55P03".equals(failure.sqlState())
                        ? new DeadlineExceeded(message, failure, Tier.PRIMARY, failure.outcome())
                        : new Unavailable(message, failure, Tier.PRIMARY, failure.outcome());
        };
    }
}
