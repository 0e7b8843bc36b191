package dev.understudy.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.model.Generation;
import dev.understudy.model.ShardKey;
import dev.understudy.model.Version;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.ManualClock;
import dev.understudy.spi.Pending;
import dev.understudy.spi.SharedEntry;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class OrphansTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ManualClock clock = new ManualClock();
    private final Orphans orphans = new Orphans(clock, PATIENCE);
    private final Pending child = new Pending(
            new ShardKey(0, "1"),
            new SharedEntry(
                    EntryKind.VALUE,
                    true,
                    Generation.NONE,
                    new Version(2),
                    1,
                    0,
                    0,
                    Version.ABSENT,
                    new byte[0],
                    0,
                    0));

    private boolean isOverAfter(Duration time) {
        clock.advance(time);
        return orphans.isPatienceOver(child);
    }

    @Test
    void patience_ofAnEntryThatWaitsOn_isOverOnce() {
        assertThat(isOverAfter(Duration.ZERO)).isFalse();
        assertThat(isOverAfter(Duration.ofSeconds(29))).isFalse();
        assertThat(isOverAfter(Duration.ofSeconds(1))).isTrue();
        assertThat(isOverAfter(Duration.ZERO)).isFalse();
    }

    @Test
    void patience_ofAKeyThatWaitedOnceAndWasWritten_beginsAnew() {
        assertThat(isOverAfter(Duration.ZERO)).isFalse();
        orphans.settled(child);

        assertThat(isOverAfter(Duration.ofSeconds(31))).isFalse();
        assertThat(isOverAfter(Duration.ofSeconds(30))).isTrue();
    }

    @Test
    void patience_ofAKeyThatAnotherInstanceHasDrained_beginsAnew() {
        assertThat(isOverAfter(Duration.ZERO)).isFalse();

        assertThat(isOverAfter(Duration.ofSeconds(41))).isFalse();
    }
}
