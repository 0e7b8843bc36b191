package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

class ConnectionSourceTest {
    private final AtomicInteger givenBack = new AtomicInteger();

    private void connect(Executor executor) {
        new ConnectionSource(new PGSimpleDataSource(), executor)
                .connect(Deadline.after(Duration.ofSeconds(1)), givenBack::incrementAndGet);
    }

    @Test
    void connect_whenNoThreadCanBeStarted_givesThePermitsBack() {
        Error none = new OutOfMemoryError("a fault of the test");
        assertThatThrownBy(() -> connect(task -> {
                    throw none;
                }))
                .isSameAs(none);
        assertThat(givenBack).hasValue(1);
    }

    @Test
    void connect_whenClosed_isNoConnection() {
        assertThatThrownBy(() -> connect(task -> {
                    throw new RejectedExecutionException("closed");
                }))
                .isInstanceOfSatisfying(
                        PrimaryFailure.class, e -> assertThat(e.kind()).isEqualTo(PrimaryFailure.Kind.NO_CONNECTION));
        assertThat(givenBack).hasValue(1);
    }
}
