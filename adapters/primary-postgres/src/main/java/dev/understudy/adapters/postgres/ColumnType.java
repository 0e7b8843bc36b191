package dev.understudy.adapters.postgres;

import dev.understudy.adapters.postgres.Catalogue.Column;
import java.lang.invoke.MethodType;
import java.math.BigDecimal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * How values of one Java class live in a column: how they are sent, read back, and what the column cannot hold. Immutable.
 *
 * <p>A value that the column holds in another form, but equal by the column's own equality (a numeric of smaller scale, a
 * padded char, JSON in canonical form, an instant with an offset), is accepted; what is read back has the stored form.
 *
 * @param cast the type to which the parameter's elements are cast, as SQL
 * @param text the value in Postgres' text form
 * @param reader reads a result's column
 * @param limit what the column cannot hold about a value; null if it holds it
 */
record ColumnType(String cast, Function<Object, String> text, Reader reader, Limit limit) {
    /** Reads a column of the current row; null for NULL. */
    @FunctionalInterface
    interface Reader {
        @Nullable
        Object read(ResultSet row, int column) throws SQLException;
    }

    /** Says what a column cannot hold about a value, without the value. */
    @FunctionalInterface
    interface Limit {
        @Nullable
        String complaint(Object value);
    }

    private static final Limit NONE = value -> null;

    /** How a class lives in a column; empty if it does not. */
    static Optional<ColumnType> of(Class<?> declared, Column column) {
        Class<?> type = MethodType.methodType(declared).wrap().returnType();
        if (column.isEnum()) {
            return type.isEnum() ? Optional.of(enumeration(type, column)) : Optional.empty();
        }
        if (!column.typeSchema().equals("pg_catalog")) {
            return Optional.empty();
        }
        return switch (column.type()) {
            case "int2", "int4", "int8" -> integer(type, column.type());
            case "numeric" -> only(type, BigDecimal.class, numeric(column.modifier()));
            case "text", "varchar", "bpchar" -> characters(type, column);
            case "json", "jsonb" ->
                only(
                        type,
                        String.class,
                        new ColumnType(
                                column.type(), String.class::cast, ResultSet::getString, Limits.json(column.type())));
            case "bool" ->
                only(
                        type,
                        Boolean.class,
                        new ColumnType("boolean", Object::toString, whole(ResultSet::getBoolean), NONE));
            case "float4" ->
                only(type, Float.class, new ColumnType("real", Object::toString, whole(ResultSet::getFloat), NONE));
            case "float8" ->
                only(
                        type,
                        Double.class,
                        new ColumnType("double precision", Object::toString, whole(ResultSet::getDouble), NONE));
            case "uuid" ->
                only(
                        type,
                        UUID.class,
                        new ColumnType("uuid", Object::toString, (row, i) -> row.getObject(i, UUID.class), NONE));
            case "bytea" ->
                only(
                        type,
                        byte[].class,
                        new ColumnType("bytea", value -> Literals.bytes((byte[]) value), ResultSet::getBytes, NONE));
            case "date" ->
                only(
                        type,
                        LocalDate.class,
                        new ColumnType(
                                "date",
                                value -> Times.text((LocalDate) value),
                                (row, i) -> row.getObject(i, LocalDate.class),
                                value -> Times.complaint((LocalDate) value)));
            case "timestamp" -> only(type, LocalDateTime.class, timestamp(column.modifier()));
            case "timestamptz" -> instant(type, column.modifier());
            default -> Optional.empty();
        };
    }

    private static Optional<ColumnType> only(Class<?> type, Class<?> expected, ColumnType columnType) {
        return type == expected ? Optional.of(columnType) : Optional.empty();
    }

    /** Reads a primitive, of which the driver makes zero for NULL. */
    private static Reader whole(Reader reader) {
        return (row, i) -> {
            Object value = reader.read(row, i);
            return row.wasNull() ? null : value;
        };
    }

    /** A class may be wider than its column, whose range is then checked; it may not be narrower. */
    private static Optional<ColumnType> integer(Class<?> type, String column) {
        int width = column.charAt(3) - '0';
        String cast = width == 2 ? "smallint" : width == 4 ? "integer" : "bigint";
        Reader reader;
        int own;
        if (type == Long.class) {
            own = 8;
            reader = ResultSet::getLong;
        } else if (type == Integer.class) {
            own = 4;
            reader = ResultSet::getInt;
        } else if (type == Short.class) {
            own = 2;
            reader = ResultSet::getShort;
        } else {
            return Optional.empty();
        }
        if (own < width) {
            return Optional.empty();
        }
        Limit limit = own == width ? NONE : Limits.range(cast, width);
        return Optional.of(new ColumnType(cast, Object::toString, whole(reader), limit));
    }

    private static ColumnType numeric(int modifier) {
        return new ColumnType(
                "numeric",
                value -> ((BigDecimal) value).toString(),
                ResultSet::getBigDecimal,
                Limits.numeric(modifier));
    }

    private static Optional<ColumnType> characters(Class<?> type, Column column) {
        int length = column.modifier() < 4 ? -1 : column.modifier() - 4;
        Limit limit = Limits.characters(column.declared(), length);
        if (type.isEnum()) {
            Function<Object, String> name = value -> ((Enum<?>) value).name();
            return Optional.of(new ColumnType(
                    column.type(), name, constants(type, true), value -> limit.complaint(name.apply(value))));
        }
        return only(type, String.class, new ColumnType(column.type(), String.class::cast, ResultSet::getString, limit));
    }

    private static ColumnType enumeration(Class<?> type, Column column) {
        String cast = Identifier.quoted("schema", column.typeSchema()) + "." + Identifier.quoted("type", column.type());
        return new ColumnType(
                cast, value -> ((Enum<?>) value).name(), constants(type, false), Limits.labels(column.labels()));
    }

    private static Reader constants(Class<?> type, boolean isPadded) {
        return (row, i) -> {
            String label = row.getString(i);
            if (label == null) {
                return null;
            }
            String name = isPadded ? label.stripTrailing() : label;
            for (Object constant : type.getEnumConstants()) {
                if (((Enum<?>) constant).name().equals(name)) {
                    return constant;
                }
            }
            throw new SQLException("a stored label is no constant of " + type.getName(), "22P02");
        };
    }

    private static ColumnType timestamp(int precision) {
        return new ColumnType(
                "timestamp",
                value -> Times.text((LocalDateTime) value),
                (row, i) -> row.getObject(i, LocalDateTime.class),
                value -> Times.complaint((LocalDateTime) value, precision));
    }

    private static Optional<ColumnType> instant(Class<?> type, int precision) {
        if (type == Instant.class) {
            return Optional.of(new ColumnType(
                    "timestamptz",
                    value -> Times.text((Instant) value),
                    (row, i) -> Times.read(row.getObject(i, OffsetDateTime.class)),
                    value -> Times.complaint((Instant) value, precision)));
        }
        return only(
                type,
                OffsetDateTime.class,
                new ColumnType(
                        "timestamptz",
                        value -> Times.text(Times.instant((OffsetDateTime) value)),
                        (row, i) -> Times.utc(row.getObject(i, OffsetDateTime.class)),
                        value -> Times.complaint(Times.instant((OffsetDateTime) value), precision)));
    }
}
