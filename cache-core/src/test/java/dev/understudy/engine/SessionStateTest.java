package dev.understudy.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Generation;
import dev.understudy.model.Invalid;
import dev.understudy.model.Position;
import dev.understudy.model.Version;
import java.util.Arrays;
import java.util.Base64;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SessionStateTest {
    /** A browser keeps 4096 bytes of name, value and attributes. */
    private static final String COOKIE = "us=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=31536000; Domain=";

    @Test
    void token_ofTheLargestSession_fitsACookie() {
        SessionState state = new SessionState();
        for (int i = 0; i < 10_000; i++) {
            Position position = new Position(new Generation(0xFFFF_FFFFL), Version.UNKNOWN.value() - i);
            Version version = new Version((1L << 52) + i);
            state.shown("cache", "other" + i, version, Long.MAX_VALUE);
            state.wrote("cache", "key" + i, i % SessionState.FLOORS, version, position, Long.MAX_VALUE);
        }

        String token = state.token();

        assertThat(token).matches("[A-Za-z0-9_-]+").hasSizeBetween(3_000, SessionState.MAXIMUM_TOKEN);
        assertThat(COOKIE.length() + 128 + token.length()).isLessThan(4_096);
        assertThat(SessionState.resume(token).token()).isEqualTo(token);
    }

    @Test
    void saw_moreShardsThanATokenHolds_isNotServedByNearReplicasAnyMore() {
        SessionState state = new SessionState();
        Position position = new Position(new Generation(7), 1);
        for (int shard = 0; shard <= SessionState.FLOORS; shard++) {
            state.saw("cache", shard, position);
        }

        SessionState resumed = SessionState.resume(state.token());

        assertThat(resumed.isStrict()).isTrue();
    }

    @Test
    void accepts_rowOlderThanThePrimaryShowed_isRefusedAtAnyPosition() {
        SessionState state = new SessionState();
        state.shown("cache", "key", new Version(6), 0);

        SessionState resumed = SessionState.resume(state.token());

        assertThat(accepts(resumed, new Version(4))).isFalse();
        assertThat(accepts(resumed, Version.ABSENT))
                .as("the absence before or after")
                .isFalse();
        assertThat(accepts(resumed, new Version(6))).isTrue();
        assertThat(accepts(resumed, Version.ABSENT)).as("covered from then on").isTrue();
    }

    @Test
    void accepts_rowAfterThePrimaryShowedNone_isRefused() {
        SessionState state = new SessionState();
        state.shown("cache", "key", Version.ABSENT, 0);

        assertThat(accepts(state, new Version(4))).isFalse();
        assertThat(accepts(state, Version.ABSENT)).isTrue();
    }

    @Test
    void accepts_rowWithoutVersionAfterThePrimaryWasAsked_isRefused() {
        SessionState state = new SessionState();
        state.shown("cache", "key", Version.UNVERSIONED, 0);

        assertThat(accepts(state, Version.UNVERSIONED)).isFalse();
    }

    @Test
    void shown_moreRowsThanATokenHolds_isDirectForTheTimeGiven() {
        SessionState state = new SessionState();
        for (int i = 0; i <= SessionState.KEYS; i++) {
            state.shown("cache", "key" + i, new Version(2), 1_000);
        }

        SessionState resumed = SessionState.resume(state.token());

        assertThat(resumed.isDirect(999)).isTrue();
        assertThat(resumed.isDirect(1_000)).isFalse();
    }

    private static boolean accepts(SessionState state, Version version) {
        Position position = new Position(new Generation(1), 1);
        return state.accepts("cache", "key", 0, version, position, position, 0);
    }

    @Test
    void resume_textOverTheLimit_isRefusedUnread() {
        String text = "A".repeat(SessionState.MAXIMUM_TOKEN + 1);

        assertThatThrownBy(() -> SessionState.resume(text)).isInstanceOf(Invalid.class);
    }

    @Test
    void resume_anyBytes_areASessionOrInvalid() {
        long seed = System.nanoTime();
        SplittableRandom random = new SplittableRandom(seed);
        int sessions = 0;
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = round % 2 == 0 ? noise(random) : bent(random);
            String text = Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
            try {
                assertThat(SessionState.resume(text).token())
                        .as("seed %s, round %s", seed, round)
                        .hasSizeLessThanOrEqualTo(SessionState.MAXIMUM_TOKEN);
                sessions++;
            } catch (Invalid e) {
                assertThat(e).as("seed %s, round %s", seed, round).hasMessageContaining("session token");
            }
        }
        assertThat(sessions).as("bent tokens that still are tokens").isPositive();
    }

    private static byte[] noise(SplittableRandom random) {
        byte[] bytes = new byte[random.nextInt(200)];
        random.nextBytes(bytes);
        return bytes;
    }

    /** A true token with a few bytes changed, cut or added. */
    private static byte[] bent(SplittableRandom random) {
        SessionState state = new SessionState();
        for (int i = random.nextInt(5); i >= 0; i--) {
            state.wrote("cache", "key" + i, i, new Version(i + 2), new Position(new Generation(3), i), 5);
        }
        byte[] bytes = Base64.getUrlDecoder().decode(state.token());
        byte[] bent = Arrays.copyOf(bytes, Math.max(0, bytes.length + random.nextInt(-2, 3)));
        for (int i = random.nextInt(3); i > 0 && bent.length > 0; i--) {
            bent[random.nextInt(bent.length)] = (byte) random.nextInt();
        }
        return bent;
    }
}
