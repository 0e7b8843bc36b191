package dev.understudy.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.Version;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ShardStateTest {
    private static final long STALENESS = 1_000;

    private final ShardState state = new ShardState(3, 0);

    @Test
    void compare_samePosition_confirmsAsOfThePull() {
        adopt(7, 100);

        assertThat(state.compare(at(7), 500, 600)).isFalse();

        assertThat(state.confirmedAt()).isEqualTo(500);
    }

    @Test
    void compare_positionBehindWhatIsApplied_confirmsToo() {
        adopt(7, 100);
        state.follow(at(8), 200);

        state.compare(at(7), 500, 600);

        assertThat(state.confirmedAt()).isEqualTo(500);
    }

    @Test
    void compare_aheadOnce_waitsForTheAnnouncements() {
        adopt(7, 100);
        int epoch = state.epoch();

        assertThat(state.compare(at(9), 500, 600)).isFalse();

        assertThat(state.epoch()).isEqualTo(epoch);
        assertThat(state.confirmedAt()).isEqualTo(100);
    }

    @Test
    void follow_reachesTheAwaitedPosition_confirmsAsOfThatPull() {
        adopt(7, 100);
        state.compare(at(9), 500, 600);

        state.follow(at(8), 700);
        assertThat(state.confirmedAt()).isEqualTo(100);
        state.follow(at(9), 800);

        assertThat(state.confirmedAt()).isEqualTo(500);
    }

    @Test
    void compare_aheadTwice_dropsTheShardAndGoesOnFromThere() {
        adopt(7, 100);
        int epoch = state.epoch();
        state.compare(at(9), 500, 600);

        assertThat(state.compare(at(9), 900, 950)).isTrue();

        assertThat(state.epoch()).isGreaterThan(epoch);
        assertThat(state.applied()).isEqualTo(at(9));
        assertThat(state.confirmedAt()).isEqualTo(900);
    }

    @Test
    void follow_gap_dropsTheShard() {
        adopt(7, 100);
        NearEntry<String> entry = entry(1_000_000);

        assertThat(state.follow(at(9), 200)).isFalse();

        assertThat(entry.isFresh(150, STALENESS)).isFalse();
    }

    @Test
    void follow_repeatedAnnouncement_changesNothing() {
        adopt(7, 100);
        int epoch = state.epoch();

        assertThat(state.follow(at(6), 200)).isTrue();

        assertThat(state.epoch()).isEqualTo(epoch);
        assertThat(state.applied()).isEqualTo(at(7));
    }

    @Test
    void follow_otherGeneration_dropsTheShard() {
        adopt(7, 100);
        int epoch = state.epoch();

        state.follow(new Position(new Generation(2), 8), 200);

        assertThat(state.epoch()).isGreaterThan(epoch);
    }

    @Test
    void isFresh_neverConfirmed_serves_onlyUnbounded() {
        state.opened(at(0), 0);
        NearEntry<String> entry = entry(1_000_000);

        assertThat(entry.isFresh(10, 1L << 60)).isFalse();
        assertThat(entry.isFresh(10, Long.MAX_VALUE)).isTrue();
    }

    @Test
    void isFresh_olderThanTheBound_doesNotServe() {
        adopt(7, 100);
        NearEntry<String> entry = entry(1_000_000);

        assertThat(entry.isFresh(100 + STALENESS, STALENESS)).isTrue();
        assertThat(entry.isFresh(101 + STALENESS, STALENESS)).isFalse();
    }

    @Test
    void isFresh_expired_doesNotServe() {
        adopt(7, 100);

        assertThat(entry(200).isFresh(200, STALENESS)).isFalse();
    }

    private void adopt(long position, long asOf) {
        state.opened(at(0), 0);
        state.compare(at(position), asOf, asOf);
        assertThat(state.applied()).isEqualTo(at(position));
    }

    private NearEntry<String> entry(long expiresAt) {
        return new NearEntry<>(Optional.of("row"), null, 1, new Version(4), state, state.epoch(), 0, expiresAt);
    }

    private static Position at(long value) {
        return new Position(new Generation(1), value);
    }
}
