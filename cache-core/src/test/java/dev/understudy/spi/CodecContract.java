package dev.understudy.spi;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Invalid;
import java.io.InputStream;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.util.Arrays;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every codec must do; extended for each adapter and for the in-memory twin. */
public abstract class CodecContract {
    /** The codec under test. */
    protected abstract Codec codec();

    /** Whether an order is open. */
    public enum State {
        /** It is. */
        OPEN,
        /** It is not. */
        CLOSED;

        @Override
        public String toString() {
            return "not the name";
        }
    }

    /** The component types that every codec knows. */
    public record Sample(
            long id,
            int count,
            boolean open,
            double ratio,
            @Nullable String text,
            @Nullable BigDecimal price,
            @Nullable UUID uuid,
            @Nullable Instant at,
            @Nullable LocalDate day,
            @Nullable State state,
            @Nullable Long boxed) {}

    /** The sample as an older version of an application knows it. */
    public record Older(long id, String text) {}

    /** The older one's components and one more. */
    public record Newer(long id, String text, @Nullable Integer added) {}

    private static final Sample FULL = new Sample(
            Long.MIN_VALUE,
            -1,
            true,
            0.1,
            "quote \" back \\ line \n tab \t = ключ \uD83D\uDE00",
            new BigDecimal("1.10"),
            UUID.fromString("00000000-0000-0001-0000-000000000002"),
            Instant.parse("2026-01-02T03:04:05.123456789Z"),
            LocalDate.of(2026, 2, 3),
            State.CLOSED,
            Long.MAX_VALUE);

    @Test
    void record_ofEveryType_comesBackEqual() throws Exception {
        assertThat(roundTrip(Sample.class, FULL)).isEqualTo(FULL);
        Sample empty = new Sample(0, 0, false, -0.0, null, null, null, null, null, null, null);
        assertThat(roundTrip(Sample.class, empty)).isEqualTo(empty);
        Sample blank = new Sample(
                0, 0, false, 1e300, "", new BigDecimal("1E+5").setScale(0), null, Instant.EPOCH, null, null, 0L);
        assertThat(roundTrip(Sample.class, blank)).isEqualTo(blank);
    }

    @Test
    void text_comesBackEqual() throws Exception {
        for (String text : new String[] {"", "a", "\n\"\\", "ключ"}) {
            assertThat(roundTrip(String.class, text)).isEqualTo(text);
        }
    }

    @Test
    void bytes_ofEqualValues_areEqual() throws Exception {
        Sample again = new Sample(
                FULL.id(),
                FULL.count(),
                FULL.open(),
                FULL.ratio(),
                FULL.text(),
                FULL.price(),
                FULL.uuid(),
                FULL.at(),
                FULL.day(),
                FULL.state(),
                FULL.boxed());
        assertThat(codec().of(Sample.class).encode(again))
                .isEqualTo(codec().of(Sample.class).encode(FULL));
    }

    @Test
    void decode_worksInsideALargerArray() throws Exception {
        byte[] bytes = codec().of(Sample.class).encode(FULL);
        byte[] larger = new byte[bytes.length + 20];
        Arrays.fill(larger, (byte) '{');
        System.arraycopy(bytes, 0, larger, 7, bytes.length);
        assertThat(codec().of(Sample.class).decode(larger, 7, bytes.length)).isEqualTo(FULL);
    }

    @Test
    void decode_ofAnUnknownPart_ignoresIt() throws Exception {
        byte[] newer = codec().of(Newer.class).encode(new Newer(1, "t", 5));
        assertThat(codec().of(Older.class).decode(newer, 0, newer.length)).isEqualTo(new Older(1, "t"));
    }

    @Test
    void decode_ofAMissingPart_fails() throws Exception {
        byte[] older = codec().of(Older.class).encode(new Older(1, "t"));
        assertThatThrownBy(() -> codec().of(Newer.class).decode(older, 0, older.length))
                .isInstanceOf(Exception.class);
    }

    @Test
    void decode_ofOtherBytes_fails() throws Exception {
        byte[] whole = codec().of(Older.class).encode(new Older(1, "some text"));
        for (byte[] bytes : new byte[][] {
            {}, {0, 1, 2}, "garbage".getBytes(UTF_8), Arrays.copyOf(whole, whole.length - 1), Arrays.copyOf(whole, 5)
        }) {
            assertThatThrownBy(() -> codec().of(Older.class).decode(bytes, 0, bytes.length))
                    .isInstanceOf(Exception.class);
        }
    }

    @Test
    void of_aTypeThatCannotBeBound_isRefused() {
        assertThatThrownBy(() -> codec().of(InputStream.class))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining(InputStream.class.getName());
        assertThatThrownBy(() -> codec().of(Runnable.class)).isInstanceOf(Invalid.class);
    }

    private <V> V roundTrip(Class<V> type, V value) throws Exception {
        byte[] bytes = codec().of(type).encode(value);
        return codec().of(type).decode(bytes, 0, bytes.length);
    }
}
