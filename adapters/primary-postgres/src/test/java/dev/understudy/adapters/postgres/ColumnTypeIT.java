package dev.understudy.adapters.postgres;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Invalid;
import dev.understudy.model.Version;
import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.Row;
import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Every column type: what apply answers is what load reads, and what the column cannot hold is refused beforehand. */
class ColumnTypeIT {
    private static Database database;
    private static int tables;

    @BeforeAll
    static void createDatabase() {
        database = new Database("column_types");
        database.execute("CREATE TYPE mood AS ENUM ('SAD', 'HAPPY')");
        database.execute("CREATE DOMAIN price AS numeric(10, 2) CHECK (value >= 0)");
    }

    @AfterAll
    static void close() {
        database.close();
    }

    record Integers(long id, Short small, Integer middle, Long big, Long narrow) {}

    record Texts(long id, String plain, String varying, String padded) {}

    record Numerics(long id, BigDecimal free, BigDecimal fixed, BigDecimal domain) {}

    record Floats(long id, Float single, Double twice, Boolean truth) {}

    record Moments(long id, Instant instant, OffsetDateTime offset, LocalDateTime local, LocalDate day) {}

    record Coarse(long id, Instant millis, LocalDateTime seconds) {}

    record Bytes(long id, byte[] raw, UUID uuid) {}

    record Json(long id, String binary, String text) {}

    enum Mood {
        SAD,
        HAPPY,
        UNKNOWN_TO_THE_TYPE
    }

    record Moods(long id, Mood typed, Mood text) {}

    record Computed(long id, String name, String upper, int changed, Integer given) {}

    private static <V> PostgresTable<Long, V> table(Class<V> type, String columns, KeyOf<V, Long> key) {
        String name = "t" + ++tables;
        database.execute("CREATE TABLE " + name + " (id bigint PRIMARY KEY, " + columns + ")");
        return database.verified(PostgresTable.of(type, name).key(key));
    }

    /** Stores the value and gives the row that both apply and load gave. */
    private static <V> V stored(PostgresTable<Long, V> table, V value) {
        Change<Long, V> change =
                new Change<>(table.keyOf(value), Optional.of(value), Version.UNVERSIONED, Change.Guard.NONE);
        Map<Long, Applied<V>> applied = database.commit(connection -> table.apply(connection, List.of(change)));
        V returned = ((Applied.Stored<V>) applied.get(change.key())).row().value();
        Map<Long, Row<V>> loaded = database.load(connection -> table.load(connection, List.of(change.key())));
        assertSame(loaded.get(change.key()).value(), returned);
        return returned;
    }

    /** Equal component by component, arrays by their elements. */
    private static void assertSame(Object actual, Object expected) {
        assertThat(components(actual)).isEqualTo(components(expected));
    }

    private static List<Object> components(Object value) {
        List<Object> components = new ArrayList<>();
        for (RecordComponent component : value.getClass().getRecordComponents()) {
            try {
                Method accessor = component.getAccessor();
                accessor.setAccessible(true);
                Object each = accessor.invoke(value);
                components.add(each instanceof byte[] bytes ? Arrays.toString(bytes) : each);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }
        return components;
    }

    @SafeVarargs
    private static <V> void assertHeldExactly(PostgresTable<Long, V> table, V... values) {
        for (V value : values) {
            table.check(value);
            assertSame(stored(table, value), value);
        }
        // All of them in one statement as well, in which every array holds NULLs.
        List<Change<Long, V>> changes = new ArrayList<>();
        Arrays.stream(values)
                .forEach(value -> changes.add(new Change<>(
                        table.keyOf(value), Optional.of(value), Version.UNVERSIONED, Change.Guard.EXISTS)));
        Map<Long, Applied<V>> applied = database.commit(connection -> table.apply(connection, changes));
        for (V value : values) {
            assertSame(
                    ((Applied.Stored<V>) applied.get(table.keyOf(value))).row().value(), value);
        }
    }

    private static <V> void assertRefused(PostgresTable<Long, V> table, V value, String column, String limit) {
        assertThatThrownBy(() -> table.check(value))
                .isInstanceOf(Invalid.class)
                .hasMessageContaining("column " + column + " ")
                .hasMessageContaining(limit);
    }

    @Test
    void integers_areHeldToTheirLimits() {
        PostgresTable<Long, Integers> table =
                table(Integers.class, "small smallint, middle integer, big bigint, narrow integer", Integers::id);
        assertHeldExactly(
                table,
                new Integers(1, Short.MIN_VALUE, Integer.MIN_VALUE, Long.MIN_VALUE, -2147483648L),
                new Integers(Long.MAX_VALUE, Short.MAX_VALUE, Integer.MAX_VALUE, Long.MAX_VALUE, 2147483647L),
                new Integers(3, null, null, null, null));
        assertRefused(table, new Integers(4, null, null, null, 2147483648L), "narrow", "range of integer");
    }

    @Test
    void load_ofAKeyBeyondTheColumnsRange_isEmpty() {
        database.execute("CREATE TABLE narrow_key (id integer PRIMARY KEY, name text)");
        record Narrow(long id, String name) {}
        PostgresTable<Long, Narrow> table =
                database.verified(PostgresTable.of(Narrow.class, "narrow_key").key(Narrow::id));
        stored(table, new Narrow(7, "seven"));
        for (List<Long> keys : List.of(List.of(5_000_000_000L), List.of(5_000_000_000L, 7L))) {
            assertThat(database.load(connection -> table.load(connection, keys)).size())
                    .isEqualTo(keys.size() - 1);
        }
    }

    @Test
    void texts_areHeldWithEveryCharacter() {
        PostgresTable<Long, Texts> table =
                table(Texts.class, "plain text, varying varchar(4), padded char(3)", Texts::id);
        assertHeldExactly(
                table,
                new Texts(1, "", "", "abc"),
                new Texts(2, "NULL", "null", "   "),
                new Texts(3, "{\"a\\b\",'c'}\n\t,%s ? $1", "\\\"{}", "\"\\,"),
                new Texts(4, "äß€\uD83D\uDE00", "\uD83D\uDE00\uD83D\uDE00äß", "äöü"),
                new Texts(5, null, null, null));
        assertRefused(table, new Texts(6, "nul \0", null, null), "plain", "NUL");
        assertRefused(table, new Texts(6, "half \uD83D pair", null, null), "plain", "surrogate");
        assertRefused(table, new Texts(6, null, "12345", null), "varying", "character varying(4)");
        assertRefused(table, new Texts(6, null, null, "1234"), "padded", "character(3)");
    }

    @Test
    void char_isPaddedAsTheColumnDoes() {
        PostgresTable<Long, Texts> table =
                table(Texts.class, "plain text, varying varchar(4), padded char(3)", Texts::id);
        Texts value = new Texts(1, null, null, "a");
        table.check(value);
        assertThat(stored(table, value).padded()).isEqualTo("a  ");
    }

    @Test
    void numeric_isHeldWithItsScale() {
        PostgresTable<Long, Numerics> table =
                table(Numerics.class, "free numeric, fixed numeric(5, 2), domain price", Numerics::id);
        assertHeldExactly(
                table,
                new Numerics(1, new BigDecimal("0.10"), new BigDecimal("999.99"), new BigDecimal("99999999.99")),
                new Numerics(2, new BigDecimal("-1.000000000000000000001"), new BigDecimal("-999.99"), null),
                new Numerics(
                        3, new BigDecimal("9".repeat(100) + ".5"), new BigDecimal("0.00"), new BigDecimal("0.01")));
        Numerics coarse = new Numerics(4, new BigDecimal("1E+3"), new BigDecimal("1.5"), BigDecimal.ONE);
        table.check(coarse);
        Numerics stored = stored(table, coarse);
        assertThat(stored.free()).isEqualTo(new BigDecimal("1000"));
        assertThat(stored.fixed()).isEqualTo(new BigDecimal("1.50"));
        assertThat(stored.domain()).isEqualTo(new BigDecimal("1.00"));
        table.check(new Numerics(5, null, new BigDecimal("1.5000"), null));
        assertRefused(table, new Numerics(5, null, new BigDecimal("1.505"), null), "fixed", "2 digits after");
        assertRefused(table, new Numerics(5, null, new BigDecimal("1000"), null), "fixed", "3 digits before");
        assertRefused(table, new Numerics(5, null, null, new BigDecimal("0.001")), "domain", "2 digits after");
        assertRefused(table, new Numerics(5, new BigDecimal("1E+200000"), null, null), "free", "digits before");
        assertRefused(table, new Numerics(5, new BigDecimal("1E-20000"), null, null), "free", "digits after");
    }

    @Test
    void floatsAndBooleans_areHeldBitForBit() {
        PostgresTable<Long, Floats> table =
                table(Floats.class, "single real, twice double precision, truth boolean", Floats::id);
        assertHeldExactly(
                table,
                new Floats(1, 0.1f, 0.1, true),
                new Floats(2, Float.MIN_VALUE, Double.MIN_VALUE, false),
                new Floats(3, Float.MAX_VALUE, Double.MAX_VALUE, null),
                new Floats(4, Float.NaN, Double.NaN, null),
                new Floats(5, Float.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, null),
                new Floats(6, -0.0f, -0.0, null),
                new Floats(7, null, null, null));
    }

    @Test
    void moments_areHeldToTheMicrosecondAndTheLimits() {
        PostgresTable<Long, Moments> table = table(
                Moments.class, "instant timestamptz, \"offset\" timestamptz, local timestamp, day date", Moments::id);
        assertHeldExactly(
                table,
                new Moments(
                        1,
                        Instant.parse("2026-02-28T23:59:59.999999Z"),
                        OffsetDateTime.parse("2026-02-28T23:59:59.000001Z"),
                        LocalDateTime.parse("2026-03-29T02:30:00"),
                        LocalDate.parse("2024-02-29")),
                new Moments(
                        2,
                        Instant.parse("-0043-03-15T12:00:00Z"),
                        OffsetDateTime.parse("0001-01-01T00:00:00Z"),
                        LocalDateTime.parse("0000-12-31T23:59:59.5"),
                        LocalDate.of(0, 2, 28)),
                new Moments(
                        3,
                        Instant.parse("+294276-12-31T23:59:59.999999Z"),
                        OffsetDateTime.of(LocalDateTime.parse("+10000-01-01T00:00:00"), ZoneOffset.UTC),
                        LocalDateTime.parse("+294276-12-31T23:59:59.999999"),
                        LocalDate.of(5_874_897, 12, 31)),
                new Moments(
                        4,
                        Instant.parse("-4712-01-01T00:00:00Z"),
                        OffsetDateTime.parse("1970-01-01T00:00:00Z"),
                        LocalDateTime.of(-4712, 1, 1, 0, 0),
                        LocalDate.of(-4712, 1, 1)),
                new Moments(5, Instant.MAX, OffsetDateTime.MAX, LocalDateTime.MAX, LocalDate.MAX),
                new Moments(6, Instant.MIN, OffsetDateTime.MIN, LocalDateTime.MIN, LocalDate.MIN),
                new Moments(7, null, null, null, null));
        Instant nanos = Instant.parse("2026-01-01T00:00:00.000000001Z");
        assertRefused(table, new Moments(8, nanos, null, null, null), "instant", "6 digits of a second");
        assertRefused(
                table,
                new Moments(8, null, nanos.atOffset(ZoneOffset.UTC), null, null),
                "offset",
                "6 digits of a second");
        assertRefused(
                table,
                new Moments(8, null, null, LocalDateTime.parse("2026-01-01T00:00:00.0000001"), null),
                "local",
                "6 digits of a second");
        assertRefused(
                table, new Moments(8, Instant.parse("+294277-01-01T00:00:00Z"), null, null, null), "instant", "range");
        assertRefused(table, new Moments(8, null, null, null, LocalDate.of(-4714, 1, 1)), "day", "range");
    }

    @Test
    void moments_withNanosecondsAndOffset_areCutAlikeEverywhere() {
        PostgresTable<Long, Moments> table = table(
                Moments.class, "instant timestamptz, \"offset\" timestamptz, local timestamp, day date", Moments::id);
        Moments stored = stored(
                table,
                new Moments(
                        1,
                        Instant.parse("2026-12-31T23:59:59.999999999Z"),
                        OffsetDateTime.parse("2026-01-01T01:00:00.000001999+02:00"),
                        LocalDateTime.parse("2026-12-31T23:59:59.999999999"),
                        null));
        assertThat(stored.instant()).isEqualTo(Instant.parse("2026-12-31T23:59:59.999999Z"));
        assertThat(stored.offset()).hasToString("2025-12-31T23:00:00.000001Z");
        assertThat(stored.local()).isEqualTo(LocalDateTime.parse("2026-12-31T23:59:59.999999"));
    }

    @Test
    void moments_ofACoarserColumn_areHeldToItsPrecision() {
        PostgresTable<Long, Coarse> table =
                table(Coarse.class, "millis timestamptz(3), seconds timestamp(0)", Coarse::id);
        assertHeldExactly(
                table,
                new Coarse(1, Instant.parse("2026-01-01T00:00:00.123Z"), LocalDateTime.parse("2026-01-01T00:00:07")));
        assertRefused(table, new Coarse(2, Instant.parse("2026-01-01T00:00:00.1234Z"), null), "millis", "3 digits");
        assertRefused(table, new Coarse(2, null, LocalDateTime.parse("2026-01-01T00:00:07.1")), "seconds", "0 digits");
    }

    @Test
    void bytesAndUuids_areHeld() {
        PostgresTable<Long, Bytes> table = table(Bytes.class, "raw bytea, uuid uuid", Bytes::id);
        byte[] all = new byte[256];
        for (int i = 0; i < all.length; i++) {
            all[i] = (byte) i;
        }
        assertHeldExactly(
                table,
                new Bytes(1, all, new UUID(-1, 1)),
                new Bytes(2, new byte[0], new UUID(0, 0)),
                new Bytes(3, null, null));
    }

    @Test
    void json_isHeldAsStored() {
        PostgresTable<Long, Json> table = table(Json.class, "\"binary\" jsonb, text json", Json::id);
        Json value = new Json(1, "{\"b\":1.0, \"a\":[true,null],\"b\":2}", "{\"b\":1.0, \"a\":[true,null],\"b\":2}");
        table.check(value);
        Json stored = stored(table, value);
        assertThat(stored.binary()).isEqualTo("{\"a\": [true, null], \"b\": 2}");
        assertThat(stored.text()).isEqualTo(value.text());
        assertHeldExactly(table, stored, new Json(2, null, null), new Json(3, "null", "null"));
        assertRefused(table, new Json(4, "\"\\u0000\"", null), "binary", "u0000");
        assertRefused(table, new Json(4, " ", null), "binary", "blank");
    }

    @Test
    void enums_areHeldByName() {
        PostgresTable<Long, Moods> table = table(Moods.class, "typed mood, text varchar(10)", Moods::id);
        assertHeldExactly(table, new Moods(1, Mood.SAD, Mood.HAPPY), new Moods(2, null, null));
        assertRefused(table, new Moods(3, Mood.UNKNOWN_TO_THE_TYPE, null), "typed", "label");
        assertRefused(table, new Moods(3, null, Mood.UNKNOWN_TO_THE_TYPE), "text", "longer");
    }

    @Test
    void rows_thatPostgresChanges_areAnsweredAsStored() {
        PostgresTable<Long, Computed> table = table(
                Computed.class,
                "name text, upper text GENERATED ALWAYS AS (upper(name)) STORED, changed int NOT NULL,"
                        + " given int, other text DEFAULT 'kept'",
                Computed::id);
        database.execute("""
                CREATE FUNCTION change() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN NEW.changed := NEW.changed + 1; NEW.name := trim(NEW.name); RETURN NEW; END $$;
                CREATE TRIGGER change BEFORE INSERT OR UPDATE ON t%d FOR EACH ROW EXECUTE FUNCTION change()""".formatted(tables));
        Computed stored = stored(table, new Computed(1, " a ", "ignored", 5, null));
        assertThat(stored).isEqualTo(new Computed(1, "a", "A", 6, null));
        // The insert's trigger has changed what the update is made of, and then the update's changes it again.
        assertThat(stored(table, stored)).isEqualTo(new Computed(1, "a", "A", 8, null));
        assertThat(database.query("SELECT other FROM t" + tables)).containsExactly("kept");
    }

    @Test
    void check_ofNullInANotNullColumn_isRefused() {
        PostgresTable<Long, Moods> table = table(Moods.class, "typed mood NOT NULL, text text", Moods::id);
        assertRefused(table, new Moods(1, null, null), "typed", "component typed is null");
    }
}
