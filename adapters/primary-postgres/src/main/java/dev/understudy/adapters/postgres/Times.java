package dev.understudy.adapters.postgres;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * Dates and times in Postgres' text form: microseconds, years before 1 as BC, and the two infinities, which the driver reads
 * as the greatest and least value of each class. Stateless. Source: Postgres documentation, 8.5 "Date/Time Types".
 */
final class Times {
    private static final String INFINITY = "infinity";
    private static final String MINUS_INFINITY = "-infinity";
    /** 4714-11-24 BC, where Postgres' calendar begins; in ISO years, 1 BC is year 0. */
    private static final LocalDate LEAST = LocalDate.of(-4713, 11, 24);

    private static final LocalDate GREATEST_DATE = LocalDate.of(5_874_897, 12, 31);
    private static final LocalDate GREATEST_TIMESTAMP_DATE = LocalDate.of(294_276, 12, 31);
    private static final int MICROSECONDS = 6;

    private Times() {}

    static String text(LocalDate date) {
        if (date.equals(LocalDate.MAX)) {
            return INFINITY;
        }
        return date.equals(LocalDate.MIN) ? MINUS_INFINITY : day(date) + era(date);
    }

    static String text(LocalDateTime time) {
        if (time.equals(LocalDateTime.MAX)) {
            return INFINITY;
        }
        return time.equals(LocalDateTime.MIN) ? MINUS_INFINITY : moment(time, "");
    }

    static String text(Instant instant) {
        if (instant.equals(Instant.MAX)) {
            return INFINITY;
        }
        return instant.equals(Instant.MIN)
                ? MINUS_INFINITY
                : moment(LocalDateTime.ofInstant(instant, ZoneOffset.UTC), "+00");
    }

    /** The instant of what the driver read. */
    static @Nullable Instant read(@Nullable OffsetDateTime time) {
        return time == null ? null : instant(time);
    }

    static Instant instant(OffsetDateTime time) {
        if (time.equals(OffsetDateTime.MAX)) {
            return Instant.MAX;
        }
        return time.equals(OffsetDateTime.MIN) ? Instant.MIN : time.toInstant();
    }

    /** What the driver read, in UTC: the column keeps no offset. */
    static @Nullable OffsetDateTime utc(@Nullable OffsetDateTime time) {
        if (time == null || time.equals(OffsetDateTime.MAX) || time.equals(OffsetDateTime.MIN)) {
            return time;
        }
        return time.withOffsetSameInstant(ZoneOffset.UTC);
    }

    static @Nullable String complaint(LocalDate date) {
        boolean isHeld = date.equals(LocalDate.MAX)
                || date.equals(LocalDate.MIN)
                || !(date.isBefore(LEAST) || date.isAfter(GREATEST_DATE));
        return isHeld ? null : "is outside the range of date";
    }

    static @Nullable String complaint(LocalDateTime time, int precision) {
        if (time.equals(LocalDateTime.MAX) || time.equals(LocalDateTime.MIN)) {
            return null;
        }
        if (time.toLocalDate().isBefore(LEAST) || time.toLocalDate().isAfter(GREATEST_TIMESTAMP_DATE)) {
            return "is outside the range of timestamp";
        }
        int digits = precision < 0 ? MICROSECONDS : precision;
        int unit = 1;
        for (int i = digits; i < 9; i++) {
            unit *= 10;
        }
        return time.getNano() % unit == 0 ? null : "has more than " + digits + " digits of a second";
    }

    static @Nullable String complaint(Instant instant, int precision) {
        if (instant.equals(Instant.MAX) || instant.equals(Instant.MIN)) {
            return null;
        }
        boolean isFar = instant.isBefore(LEAST.atStartOfDay(ZoneOffset.UTC).toInstant())
                || instant.isAfter(GREATEST_TIMESTAMP_DATE.atTime(LocalTime.MAX).toInstant(ZoneOffset.UTC));
        return isFar
                ? "is outside the range of timestamp"
                : complaint(LocalDateTime.ofInstant(instant, ZoneOffset.UTC), precision);
    }

    /** Cut to microseconds as a column does not: it rounds, up to a day that does not exist in the caller's value. */
    private static String moment(LocalDateTime exact, String zone) {
        LocalDateTime time = exact.truncatedTo(ChronoUnit.MICROS);
        return day(time.toLocalDate()) + "T" + clock(time) + zone + era(time.toLocalDate());
    }

    private static String clock(LocalDateTime time) {
        StringBuilder text = new StringBuilder(15);
        padded(text, time.getHour(), 2).append(':');
        padded(text, time.getMinute(), 2).append(':');
        padded(text, time.getSecond(), 2).append('.');
        return padded(text, time.getNano() / 1000, 6).toString();
    }

    private static String day(LocalDate date) {
        int year = date.getYear() > 0 ? date.getYear() : 1 - date.getYear();
        StringBuilder text = new StringBuilder(13);
        padded(text, year, 4).append('-');
        padded(text, date.getMonthValue(), 2).append('-');
        return padded(text, date.getDayOfMonth(), 2).toString();
    }

    private static StringBuilder padded(StringBuilder text, int number, int digits) {
        String plain = Integer.toString(number);
        for (int i = plain.length(); i < digits; i++) {
            text.append('0');
        }
        return text.append(plain);
    }

    private static String era(LocalDate date) {
        return date.getYear() > 0 ? "" : " BC";
    }
}
