package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.adapters.postgres.PostgresTable;
import dev.understudy.model.Invalid;
import dev.understudy.model.Read;
import dev.understudy.model.Tier;
import dev.understudy.model.Versioned;
import dev.understudy.model.Versioning;
import dev.understudy.model.Write;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;
import org.assertj.core.api.SoftAssertions;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a column makes of a value is what every copy holds. */
class ColumnTypesIT {
    private static final Versioning COLUMN = Versioning.column("us_version");

    @RegisterExtension
    final Instances instances = new Instances();

    private enum Size {
        SMALL,
        LARGE
    }

    private record Everything(
            UUID id,
            short small,
            int medium,
            long big,
            String text,
            @Nullable String maybe,
            BigDecimal price,
            BigDecimal free,
            boolean flag,
            double real,
            Instant at,
            LocalDateTime local,
            LocalDate day,
            byte[] bytes,
            String json,
            Size size) {}

    static Stream<Write> modes() {
        return Stream.of(Write.through(), Write.back());
    }

    @BeforeEach
    void create() {
        instances
                .sql()
                .run("CREATE TYPE size AS ENUM ('SMALL', 'LARGE'); CREATE TABLE everything (id uuid PRIMARY KEY,"
                        + " small smallint NOT NULL, medium integer NOT NULL, big bigint NOT NULL, text text NOT NULL,"
                        + " maybe varchar(20), price numeric(12,2) NOT NULL, free numeric NOT NULL, flag boolean NOT NULL,"
                        + " real double precision NOT NULL, at timestamptz NOT NULL, local timestamp NOT NULL, day date NOT NULL,"
                        + " bytes bytea NOT NULL, json jsonb NOT NULL, size size NOT NULL)");
        instances.install(table().migrationSql());
    }

    private static PostgresTable<UUID, Everything> table() {
        return PostgresTable.of(Everything.class, "everything")
                .key(Everything::id)
                .versioning(COLUMN);
    }

    private CachedRepository<UUID, Everything> open() {
        return instances.repository(instances.open(), table(), settings -> settings.allowWriteBack(back -> {}));
    }

    private static Everything value(UUID id, BigDecimal price, Instant at, String json) {
        return new Everything(
                id,
                Short.MIN_VALUE,
                Integer.MAX_VALUE,
                Long.MIN_VALUE,
                "Übergröße 𝄞 'quoted' \\ {a} \t end",
                null,
                price,
                new BigDecimal("0.1000"),
                true,
                Math.PI,
                at,
                LocalDateTime.of(1969, 12, 31, 23, 59, 59, 999_999_000),
                LocalDate.of(4, 2, 29),
                "\0\1bytes".getBytes(StandardCharsets.ISO_8859_1),
                json,
                Size.LARGE);
    }

    @ParameterizedTest
    @MethodSource("modes")
    void everyType_writtenAndRead_isEqualInAllCopies(Write mode) {
        CachedRepository<UUID, Everything> one = open();
        CachedRepository<UUID, Everything> two = open();
        Everything value = value(
                UUID.randomUUID(), new BigDecimal("12.50"), Instant.parse("2026-11-22T10:00:00.123456Z"), "{\"a\": 1}");
        one.save(value, mode);
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        for (CachedRepository<UUID, Everything> on : List.of(one, two)) {
            Versioned<Everything> read = on.read(value.id(), Read.bounded(Duration.ZERO));
            assertThat(read.tier()).isEqualTo(Tier.SHARED);
            assertThat(read.value().orElseThrow()).usingRecursiveComparison().isEqualTo(value);
            assertThat(on.read(value.id(), Read.strong()).value().orElseThrow())
                    .usingRecursiveComparison()
                    .isEqualTo(value);
        }
    }

    @ParameterizedTest
    @MethodSource("modes")
    void scaleAndJson_thatTheColumnWritesAnew_areReadAsStored(Write mode) {
        CachedRepository<UUID, Everything> one = open();
        CachedRepository<UUID, Everything> two = open();
        Everything sent = value(
                UUID.randomUUID(),
                new BigDecimal("5.1"),
                Instant.parse("2026-11-22T10:00:00Z"),
                "{\"longer\":1,\"b\":2,\"b\":3}");
        one.save(sent, mode);
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        for (CachedRepository<UUID, Everything> on : List.of(one, two)) {
            await().atMost(Instances.MAX_STALENESS).untilAsserted(() -> {
                Everything stored = on.find(sent.id()).orElseThrow();
                assertThat(stored.price()).isEqualTo(new BigDecimal("5.10"));
                assertThat(stored.json()).isEqualTo("{\"b\": 3, \"longer\": 1}");
            });
        }
    }

    @ParameterizedTest
    @MethodSource("modes")
    void nanoseconds_thatTheColumnHasNot_areRefusedBeforeTheAckOrReadAsStored(Write mode) {
        CachedRepository<UUID, Everything> one = open();
        Everything sent =
                value(UUID.randomUUID(), new BigDecimal("5.10"), Instant.parse("2026-11-22T10:00:00.123456789Z"), "{}");
        if (mode.equals(Write.back())) {
            assertThatThrownBy(() -> one.save(sent, mode))
                    .isInstanceOf(Invalid.class)
                    .hasMessageContaining("column at");
            assertThat(one.find(sent.id())).isEmpty();
            Everything tooFine = value(sent.id(), new BigDecimal("5.101"), Instant.EPOCH, "{}");
            assertThatThrownBy(() -> one.save(tooFine, mode))
                    .isInstanceOf(Invalid.class)
                    .hasMessageContaining("column price");
            assertThat(one.writeBackStatus().acked()).isZero();
        } else {
            one.save(sent, mode);
            Instant stored = one.find(sent.id()).orElseThrow().at();
            assertThat(stored.getNano() % 1_000).isZero();
            assertThat(Duration.between(stored, sent.at()).abs()).isLessThan(Duration.ofNanos(1_000));
        }
    }

    @ParameterizedTest
    @MethodSource("modes")
    void beforeTrigger_thatChangesTheRow_isSeenInAllCopies(Write mode) {
        instances
                .sql()
                .run(
                        "CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS"
                                + " 'BEGIN NEW.text := upper(NEW.text); NEW.maybe := ''set''; RETURN NEW; END';"
                                + " CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON everything FOR EACH ROW EXECUTE FUNCTION shout()");
        CachedRepository<UUID, Everything> one = open();
        CachedRepository<UUID, Everything> two = open();
        Everything sent = value(UUID.randomUUID(), new BigDecimal("5.10"), Instant.EPOCH, "{}");
        one.save(sent, mode);
        two.find(sent.id());
        assertThat(one.drain(Duration.ofSeconds(10))).isZero();
        for (CachedRepository<UUID, Everything> on : List.of(one, two)) {
            await().atMost(Instances.MAX_STALENESS).untilAsserted(() -> {
                Everything stored = on.find(sent.id()).orElseThrow();
                assertThat(stored.text()).contains("QUOTED");
                assertThat(stored.maybe()).isEqualTo("set");
            });
        }
    }

    private record Narrow(
            long id,
            @Nullable BigDecimal price,
            @Nullable String word,
            @Nullable String code,
            @Nullable String needed,
            @Nullable Instant at,
            @Nullable Instant millis,
            @Nullable LocalDate day,
            @Nullable String json,
            @Nullable Size size,
            @Nullable Integer small) {
        static final Narrow FITS = new Narrow(
                1,
                new BigDecimal("999.99"),
                "five5",
                "abc",
                "",
                Instant.parse("2026-01-01T00:00:00.000001Z"),
                Instant.parse("2026-01-01T00:00:00.001Z"),
                LocalDate.MAX,
                "{}",
                Size.SMALL,
                32_767);

        Narrow price(String price) {
            return new Narrow(id, new BigDecimal(price), word, code, needed, at, millis, day, json, size, small);
        }

        Narrow word(String word) {
            return new Narrow(id, price, word, code, needed, at, millis, day, json, size, small);
        }

        Narrow code(String code) {
            return new Narrow(id, price, word, code, needed, at, millis, day, json, size, small);
        }

        Narrow needed(@Nullable String needed) {
            return new Narrow(id, price, word, code, needed, at, millis, day, json, size, small);
        }

        Narrow at(String at) {
            return new Narrow(id, price, word, code, needed, Instant.parse(at), millis, day, json, size, small);
        }

        Narrow millis(String millis) {
            return new Narrow(id, price, word, code, needed, at, Instant.parse(millis), day, json, size, small);
        }

        Narrow day(LocalDate day) {
            return new Narrow(id, price, word, code, needed, at, millis, day, json, size, small);
        }

        Narrow json(String json) {
            return new Narrow(id, price, word, code, needed, at, millis, day, json, size, small);
        }

        Narrow size(Size size) {
            return new Narrow(id, price, word, code, needed, at, millis, day, json, size, small);
        }

        Narrow small(int small) {
            return new Narrow(id, price, word, code, needed, at, millis, day, json, size, small);
        }
    }

    @Test
    void writeBack_ofWhatAColumnDoesNotHold_isRefusedBeforeTheAck() {
        instances
                .sql()
                .run("CREATE TYPE only_small AS ENUM ('SMALL');"
                        + " CREATE TABLE narrow (id bigint PRIMARY KEY, price numeric(5,2), word varchar(5), code char(3),"
                        + " needed text NOT NULL, at timestamptz, millis timestamptz(3), day date, json jsonb,"
                        + " size only_small, small smallint)");
        PostgresTable<Long, Narrow> table =
                PostgresTable.of(Narrow.class, "narrow").key(Narrow::id).versioning(COLUMN);
        instances.install(table.migrationSql());
        CachedRepository<Long, Narrow> narrow =
                instances.repository(instances.open(), table, settings -> settings.allowWriteBack(back -> {}));
        Narrow fits = Narrow.FITS;
        Map<Narrow, String> refused = new LinkedHashMap<>();
        refused.put(fits.price("1000"), "price");
        refused.put(fits.price("-999.995"), "price");
        refused.put(fits.price("0.001"), "price");
        refused.put(fits.word("six666"), "word");
        refused.put(fits.word("\0"), "word");
        refused.put(fits.word("\ud834"), "word");
        refused.put(fits.code("four"), "code");
        refused.put(fits.needed("\0"), "needed");
        refused.put(fits.needed(null), "needed");
        refused.put(fits.at("2026-01-01T00:00:00.000000001Z"), "at");
        refused.put(fits.at("+294277-01-01T00:00:00Z"), "at");
        refused.put(fits.at("-4713-01-01T00:00:00Z"), "at");
        refused.put(fits.millis("2026-01-01T00:00:00.000001Z"), "millis");
        refused.put(fits.day(LocalDate.of(5_874_898, 1, 1)), "day");
        refused.put(fits.day(LocalDate.of(-4_714, 1, 1)), "day");
        refused.put(fits.json("\"\\u0000\""), "json");
        refused.put(fits.json(""), "json");
        refused.put(fits.size(Size.LARGE), "size");
        refused.put(fits.small(32_768), "small");
        refused.put(fits.small(-32_769), "small");
        SoftAssertions.assertSoftly(softly ->
                refused.forEach((value, column) -> softly.assertThatThrownBy(() -> narrow.save(value, Write.back()))
                        .isInstanceOf(Invalid.class)
                        .hasMessageContaining(column)));
        assertThat(narrow.writeBackStatus().acked()).isZero();
        narrow.save(fits, Write.back());
        assertThat(narrow.drain(Duration.ofSeconds(10))).isZero();
        assertThat(narrow.deadLetters(10)).isEmpty();
        assertThat(narrow.read(1L, Read.strong()).value()).contains(fits);
    }
}
