package dev.understudy.adapters.redis;

import dev.understudy.spi.GenerationChanged;
import dev.understudy.spi.SharedReplicaFailure;
import dev.understudy.spi.SharedReplicaFailure.Reason;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.output.CommandOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CompleteableCommand;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.lettuce.core.protocol.RedisCommand;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.EncoderException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One request on one connection, and the stage of its reply. Thread-safe; completed by the event loop, or by the caller if it
 * cannot be sent.
 *
 * <p>Whether the request has been written to the socket is decided by one compare-and-set, so that a failure says exactly
 * whether it may have run:
 *
 * <pre>
 * WAITING -> WRITTEN   the encoder has taken it: a failure from now on is NO_ANSWER
 * WAITING -> GIVEN_UP  it failed before: NOT_SENT, and the encoder refuses it from now on
 * WRITTEN -> WAITING   the server did not know the script (so that it did not run) and its text follows
 * </pre>
 */
final class Call<R> extends CompletableFuture<R>
        implements RedisCommand<byte[], byte[], Object>, CompleteableCommand<Object> {
    private enum State {
        WAITING,
        WRITTEN,
        GIVEN_UP
    }

    /** Makes the result of a reply; throws {@link GenerationChanged}, or anything else if the reply makes no sense. */
    @FunctionalInterface
    interface Reading<R> {
        R of(@Nullable Object reply);
    }

    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(Call.class, "state", State.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final Request request;
    private final Reading<R> reading;
    private final Duration timeout;
    private volatile State state = State.WAITING;
    private volatile boolean asText;
    private CommandOutput<byte[], byte[], Object> output = new RawOutput();
    private @Nullable Link link;
    private long repliesBefore;

    /** A call that has not been sent. */
    Call(Request request, Reading<R> reading, Duration timeout) {
        this.request = request;
        this.reading = reading;
        this.timeout = timeout;
    }

    /** How long its reply may take. */
    Duration timeout() {
        return timeout;
    }

    /** About to be sent on that link. */
    void sending(Link on) {
        link = on;
        repliesBefore = on.replies();
    }

    @Override
    public void encode(ByteBuf out) {
        if (!STATE.compareAndSet(this, State.WAITING, State.WRITTEN)) {
            throw new EncoderException("given up before it was sent");
        }
        request.encode(out, asText);
    }

    @Override
    public void complete() {
        Link on = link;
        if (on != null) {
            on.replied();
        }
        if (output.hasError()) {
            String error = output.getError();
            if (error.startsWith("NOSCRIPT") && !asText && on != null && !isDone()) {
                asText = true;
                output = new RawOutput();
                state = State.WAITING;
                on.send(this);
                return;
            }
            fail(error.startsWith("OOM") ? Reason.OUT_OF_MEMORY : Reason.REFUSED, "refused: " + shown(error), null);
            if (on != null && (error.startsWith("READONLY") || error.startsWith("LOADING"))) {
                on.lost(); // it is no primary any more, or not yet: look again
            }
            return;
        }
        R result;
        try {
            result = reading.of(output.get());
        } catch (GenerationChanged e) {
            super.completeExceptionally(e);
            return;
        } catch (RuntimeException e) { // the server sent what no script of ours sends
            fail(Reason.NO_ANSWER, "answered in a way that is not understood", e);
            return;
        }
        super.complete(result);
    }

    @Override
    public boolean completeExceptionally(Throwable cause) {
        boolean unsent = STATE.compareAndSet(this, State.WAITING, State.GIVEN_UP);
        boolean late = cause instanceof RedisCommandTimeoutException;
        if (unsent) {
            return fail(Reason.NOT_SENT, "not sent: " + cause.getClass().getSimpleName(), cause);
        }
        Link on = link;
        if (late && on != null && on.replies() == repliesBefore) {
            on.lost(); // nothing at all came back meanwhile: the server has stopped or cannot be reached
        }
        return fail(
                Reason.NO_ANSWER,
                late ? "no answer within " + timeout : "no answer before the connection was lost",
                cause);
    }

    @Override
    public void cancel() {
        completeExceptionally(new IllegalStateException("the connection is closed"));
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
        cancel();
        return false;
    }

    @Override
    public void onComplete(Consumer<? super Object> action) {
        whenComplete((reply, failure) -> action.accept(reply));
    }

    @Override
    public void onComplete(BiConsumer<? super Object, Throwable> action) {
        whenComplete(action);
    }

    @Override
    public CommandOutput<byte[], byte[], Object> getOutput() {
        return output;
    }

    @Override
    public void setOutput(CommandOutput<byte[], byte[], Object> other) {
        output = other;
    }

    @Override
    @SuppressWarnings("NullAway") // the client asks for arguments only in its own commands
    public CommandArgs<byte[], byte[]> getArgs() {
        return null;
    }

    @Override
    public ProtocolKeyword getType() {
        return request.type();
    }

    /** Keys and values never appear in logs or messages. */
    @Override
    public String toString() {
        return "Call[" + request.name() + ", " + state + "]";
    }

    private boolean fail(Reason reason, String message, @Nullable Throwable cause) {
        return super.completeExceptionally(
                new SharedReplicaFailure(reason, "the shared replica's " + request.name() + ": " + message, cause));
    }

    /** The kind of an error, and what it says where that cannot hold keys or values. */
    private static String shown(String error) {
        int end = error.indexOf(' ');
        String kind = end < 0 ? error : error.substring(0, end);
        return switch (kind) {
            case "OOM", "READONLY", "LOADING", "BUSY", "MISCONF", "NOREPLICAS", "MASTERDOWN" -> error;
            default -> kind;
        };
    }
}
