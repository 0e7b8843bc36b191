package dev.understudy.adapters.redis;

import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Asks each link now and then whether its server is there: a link with nothing to send would not notice that nobody answers.
 * Thread-safe.
 */
final class Heartbeat implements AutoCloseable {
    private static final Duration PERIOD = Duration.ofSeconds(5);

    private final ScheduledExecutorService scheduler;
    private final Duration timeout;
    private volatile @Nullable ScheduledFuture<?> running;

    Heartbeat(ScheduledExecutorService scheduler, Duration timeout) {
        this.scheduler = scheduler;
        this.timeout = timeout;
    }

    /** Begins to ask the links, and whoever asks in its own way. */
    void watch(List<Supplier<@Nullable Link>> links, Runnable more) {
        try {
            running = scheduler.scheduleWithFixedDelay(
                    () -> {
                        links.forEach(this::ask);
                        more.run();
                    },
                    PERIOD.toMillis(),
                    PERIOD.toMillis(),
                    TimeUnit.MILLISECONDS);
        } catch (RejectedExecutionException e) {
            throw new IllegalStateException("the replica is closed", e);
        }
    }

    @Override
    public void close() {
        ScheduledFuture<?> asking = running;
        if (asking != null) {
            asking.cancel(false);
        }
    }

    private void ask(Supplier<@Nullable Link> current) {
        Link link = current.get();
        if (link != null) {
            link.send(new Call<>(Request.of(CommandType.PING), reply -> true, timeout)); // a timeout gives it up
        }
    }
}
