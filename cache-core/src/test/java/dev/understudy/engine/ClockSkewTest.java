package dev.understudy.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.spi.ForwardingPrimary;
import dev.understudy.spi.InMemoryPrimary;
import dev.understudy.spi.InMemorySharedServer;
import dev.understudy.spi.ManualClock;
import dev.understudy.spi.PrimaryConnection;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ClockSkewTest {
    private final ManualClock own = new ManualClock();
    private final ManualClock shared = new ManualClock();
    private final ManualClock server = new ManualClock();
    private Duration pause = Duration.ZERO;
    private final ClockSkew skew = new ClockSkew(
            new InMemorySharedServer(shared).connect(),
            new ForwardingPrimary(new InMemoryPrimary(server)) {
                @Override
                public long clockMicros(PrimaryConnection connection) throws Exception {
                    // All of the time passes on the way back.
                    long micros = super.clockMicros(connection);
                    own.advance(pause);
                    return micros;
                }
            },
            own);

    @Test
    void measure_beyondTheLimit_isAlertedUntilItIsOver() {
        assertThat(skew.last()).isEmpty();
        server.advance(Duration.ofMillis(99));
        skew.measure();
        assertThat(skew.last()).contains(Duration.ofMillis(99));
        assertThat(skew.isAlerted()).isFalse();
        server.advance(Duration.ofMillis(2));
        skew.measure();
        assertThat(skew.isAlerted()).isTrue();
        shared.advance(Duration.ofMillis(50));
        skew.measure();
        assertThat(skew.last()).contains(Duration.ofMillis(51));
        assertThat(skew.isAlerted()).isFalse();
        shared.advance(Duration.ofMillis(500));
        skew.measure();
        assertThat(skew.last()).contains(Duration.ofMillis(-449));
        assertThat(skew.isAlerted()).isTrue();
    }

    @Test
    void measure_whoseAnswerTookLong_isNotCertain() {
        pause = Duration.ofMillis(300);
        skew.measure();
        assertThat(skew.last()).contains(Duration.ofMillis(-150));
        assertThat(skew.isAlerted()).isFalse();
    }

    @Test
    void measure_whoseAnswerTookLong_endsNoAlert() {
        shared.advance(Duration.ofMillis(450));
        skew.measure();
        assertThat(skew.isAlerted()).isTrue();
        pause = Duration.ofMillis(900);
        skew.measure();
        assertThat(skew.isAlerted()).isTrue();
        pause = Duration.ZERO;
        server.advance(Duration.ofMillis(450));
        skew.measure();
        assertThat(skew.isAlerted()).isFalse();
    }
}
