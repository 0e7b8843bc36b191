package dev.understudy.adapters.jackson;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Invalid;
import dev.understudy.spi.Codec;
import dev.understudy.spi.CodecContract;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Jackson against the contract of a codec, and what is particular to JSON. */
final class JacksonCodecTest extends CodecContract {
    @Override
    protected Codec codec() {
        return new JacksonCodec();
    }

    record Line(String name, BigDecimal price) {}

    record Times(
            Instant instant,
            LocalDate date,
            LocalTime time,
            LocalDateTime dateTime,
            OffsetDateTime offset,
            ZonedDateTime zoned,
            Duration duration) {}

    record Nested(
            List<Line> lines, Map<String, Integer> counts, Optional<Line> first, Line[] array, List<List<UUID>> deep) {
        @Override
        public boolean equals(Object other) {
            return other instanceof Nested nested
                    && lines.equals(nested.lines)
                    && counts.equals(nested.counts)
                    && first.equals(nested.first)
                    && List.of(array).equals(List.of(nested.array))
                    && deep.equals(nested.deep);
        }

        @Override
        public int hashCode() {
            return lines.hashCode();
        }
    }

    record Bytes(byte[] data) {}

    record Numbers(byte b, short s, float f, double d, char c, BigInteger big, BigDecimal exact) {}

    record Derived(long price, long count) {
        public long getTotal() {
            return price * count;
        }

        public boolean isFree() {
            return price == 0;
        }
    }

    record Unbindable(Runnable action) {}

    record UnbindableDeep(List<Map<String, Runnable>> actions) {}

    static Stream<Object> values() {
        Instant fine = Instant.parse("1999-12-31T23:59:59.000000001Z");
        return Stream.of(
                new Line("a", new BigDecimal("1.10")),
                new Line("", new BigDecimal("0.00")),
                new Line("b", new BigDecimal("-123456789012345678901234567890.1234567890")),
                new Times(
                        fine,
                        LocalDate.of(-5, 1, 1),
                        LocalTime.MIDNIGHT,
                        LocalDateTime.of(2026, 1, 1, 0, 0, 0, 1),
                        OffsetDateTime.parse("2026-01-01T00:00:00.123456+05:30"),
                        ZonedDateTime.parse("2026-07-01T00:00:00+02:00[Europe/Berlin]"),
                        Duration.ofNanos(1)),
                new Nested(
                        List.of(new Line("x", BigDecimal.ONE)),
                        Map.of("b", 1, "a", 2),
                        Optional.of(new Line("y", BigDecimal.TEN)),
                        new Line[] {new Line("z", BigDecimal.ZERO)},
                        List.of(List.of(new UUID(1, 2)))),
                new Nested(List.of(), Map.of(), Optional.empty(), new Line[0], List.of()),
                new Numbers(
                        Byte.MIN_VALUE,
                        Short.MAX_VALUE,
                        Float.MIN_VALUE,
                        Double.NaN,
                        '\u0000',
                        BigInteger.ONE.shiftLeft(200),
                        new BigDecimal("1e-9")),
                new Numbers(
                        (byte) 0,
                        (short) 0,
                        Float.POSITIVE_INFINITY,
                        Double.NEGATIVE_INFINITY,
                        '"',
                        BigInteger.ZERO,
                        new BigDecimal(BigInteger.TEN.pow(2_000))),
                new Derived(2, 3),
                42L,
                7,
                true,
                new UUID(3, 4));
    }

    @ParameterizedTest
    @MethodSource("values")
    void value_ofAnyType_comesBackEqual(Object value) throws Exception {
        assertThat(roundTrip(value)).isEqualTo(value);
    }

    @Test
    void bytes_areBase64() throws Exception {
        byte[] data = {0, -1, 127};
        byte[] json = codec().of(Bytes.class).encode(new Bytes(data));
        assertThat(new String(json, UTF_8)).isEqualTo("{\"data\":\"AP9/\"}");
        assertThat(codec().of(Bytes.class).decode(json, 0, json.length).data()).isEqualTo(data);
    }

    @Test
    void json_isStable_withNullsAndScale() throws Exception {
        byte[] json = codec().of(Line.class).encode(new Line(null, new BigDecimal("1.10")));
        assertThat(new String(json, UTF_8)).isEqualTo("{\"name\":null,\"price\":1.10}");
    }

    @Test
    void json_ofMaps_isInOrderOfTheKeys() throws Exception {
        Nested nested = new Nested(List.of(), Map.of("b", 1, "a", 2, "c", 3), Optional.empty(), new Line[0], List.of());
        assertThat(new String(codec().of(Nested.class).encode(nested), UTF_8))
                .contains("\"counts\":{\"a\":2,\"b\":1,\"c\":3}");
    }

    @Test
    void decode_ofWrongTypes_failsWithoutQuotingTheBytes() {
        for (String json : List.of(
                "{\"id\":\"secret\",\"text\":\"t\"}",
                "{\"id\":null,\"text\":\"t\"}",
                "{\"id\":1.5,\"text\":\"t\"}",
                "{\"text\":\"secret\"}",
                "{\"id\":1,\"text\":\"t\"} secret",
                "[\"secret\"]",
                "null")) {
            byte[] bytes = json.getBytes(UTF_8);
            assertThatThrownBy(() -> codec().of(Older.class).decode(bytes, 0, bytes.length))
                    .isInstanceOf(IOException.class)
                    .hasNoCause()
                    .hasMessageContaining(Older.class.getName())
                    .hasMessageNotContaining("secret");
        }
    }

    @Test
    void decode_neverTakesTypesFromTheBytes() throws Exception {
        byte[] bytes =
                "{\"@class\":\"java.lang.ProcessBuilder\",\"@type\":\"x\",\"id\":1,\"text\":\"t\"}".getBytes(UTF_8);
        assertThat(codec().of(Older.class).decode(bytes, 0, bytes.length)).isEqualTo(new Older(1, "t"));
    }

    @Test
    void of_aRecordWithAComponentThatCannotBeBound_isRefused() {
        assertThatThrownBy(() -> codec().of(Unbindable.class))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining(Runnable.class.getName());
        assertThatThrownBy(() -> codec().of(UnbindableDeep.class)).isInstanceOf(Invalid.class);
    }

    @Test
    void serviceLoader_findsIt() {
        assertThat(ServiceLoader.load(Codec.class)).hasOnlyElementsOfType(JacksonCodec.class);
    }

    @SuppressWarnings("unchecked") // the class is the value's own
    private <V> V roundTrip(V value) throws Exception {
        Codec.ValueCodec<V> json = codec().of((Class<V>) value.getClass());
        byte[] bytes = json.encode(value);
        return json.decode(bytes, 0, bytes.length);
    }
}
