package dev.understudy.adapters.postgres;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.spi.PrimaryFailure;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Connections of a data source within a deadline of one's own. Thread-safe.
 *
 * <p>{@code DataSource.getConnection()} waits as long as the data source likes, HikariCP 30 seconds by default, also for the
 * validation of a connection whose server is silent. So another thread asks for it, and one that comes too late is given back
 * at once. That a connection lay idle a moment ago does not save the change of threads: it may be taken, or broken, by now.
 */
final class ConnectionSource {
    private final DataSource dataSource;
    private final BooleanSupplier isEmpty;
    private final Executor executor;

    ConnectionSource(DataSource dataSource, Executor executor) {
        this.dataSource = dataSource;
        this.isEmpty = HikariPool.emptyProbe(dataSource);
        this.executor = executor;
    }

    /**
     * A connection. The permits are given back when the attempt is over, if it yields none; that can be later than this
     * method's end.
     */
    Connection connect(Deadline deadline, Runnable permits) {
        Attempt attempt = new Attempt(dataSource, permits, isEmpty);
        try {
            executor.execute(attempt);
        } catch (RejectedExecutionException e) {
            permits.run();
            throw Failures.noConnection("the primary is closed");
        } catch (RuntimeException | Error e) {
            // No thread can be started.
            permits.run();
            throw e;
        }
        return attempt.await(deadline);
    }

    /** One wait for a connection on another thread. */
    private static final class Attempt implements Runnable {
        private final DataSource dataSource;
        private final Runnable permits;
        private final BooleanSupplier isEmpty;
        private final CompletableFuture<Connection> handed = new CompletableFuture<>();

        @GuardedBy("this")
        private @Nullable Thread waiting;

        Attempt(DataSource dataSource, Runnable permits, BooleanSupplier isEmpty) {
            this.dataSource = dataSource;
            this.permits = permits;
            this.isEmpty = isEmpty;
        }

        @Override
        public void run() {
            synchronized (this) {
                if (handed.isDone()) {
                    permits.run();
                    return;
                }
                waiting = Thread.currentThread();
            }
            try {
                Connection connection = dataSource.getConnection();
                if (!handed.complete(connection)) {
                    try (connection) {
                        permits.run();
                    }
                }
            } catch (SQLException | RuntimeException | Error e) {
                handed.completeExceptionally(e);
                permits.run();
            } finally {
                synchronized (this) {
                    waiting = null;
                }
            }
        }

        Connection await(Deadline deadline) {
            try {
                return handed.get(Math.max(0, deadline.nanosLeft()), TimeUnit.NANOSECONDS);
            } catch (ExecutionException e) {
                Throwable cause = e.getCause();
                if (cause instanceof SQLException sql) {
                    throw Failures.ofConnecting(sql);
                }
                throw cause instanceof RuntimeException runtime ? runtime : new IllegalStateException(cause);
            } catch (TimeoutException e) {
                // A pool that waits for a server that is away hides the refusals; that it has no connection tells.
                return abandon(
                        isEmpty.getAsBoolean()
                                ? Failures.unreachable("no connection to the primary could be made")
                                : Failures.noConnection("no connection to the primary within the time allowed"));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return abandon(Failures.noConnection("interrupted while waiting for a connection to the primary"));
            }
        }

        private Connection abandon(PrimaryFailure failure) {
            if (!handed.completeExceptionally(failure) && !handed.isCompletedExceptionally()) {
                return handed.join();
            }
            synchronized (this) {
                if (waiting != null) {
                    waiting.interrupt();
                }
            }
            throw failure;
        }
    }
}
