package dev.understudy.adapters.postgres;

import java.math.BigDecimal;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What columns cannot hold. Stateless. Source: Postgres documentation, chapter 8 "Data Types". */
final class Limits {
    /** Digits before and after the point of a numeric without precision. */
    private static final int NUMERIC_WHOLE_DIGITS = 131_072;

    private static final int NUMERIC_SCALE = 16_383;
    /** The catalogue adds this to lengths and to packed precisions. */
    private static final int MODIFIER_OFFSET = 4;

    private Limits() {}

    /** The range of an integer column of so many bytes. */
    static ColumnType.Limit range(String type, int bytes) {
        long most = bytes == 2 ? Short.MAX_VALUE : Integer.MAX_VALUE;
        return value -> {
            long number = ((Number) value).longValue();
            return number > most || number < -most - 1 ? "is outside the range of " + type : null;
        };
    }

    /** Precision and scale; the scale may be negative or above the precision since Postgres 15 (11 bits, signed). */
    static ColumnType.Limit numeric(int modifier) {
        boolean isBounded = modifier >= MODIFIER_OFFSET;
        int packed = modifier - MODIFIER_OFFSET;
        int precision = isBounded ? (packed >> 16) & 0xffff : 0;
        int scale = isBounded ? ((packed & 0x7ff) ^ 1024) - 1024 : NUMERIC_SCALE;
        int wholeDigits = isBounded ? precision - scale : NUMERIC_WHOLE_DIGITS;
        return value -> {
            BigDecimal number = (BigDecimal) value;
            if (number.signum() == 0) {
                return null;
            }
            // Before trailing zeros are cut: a scale of a billion is a billion digits.
            if ((long) number.precision() - number.scale() > wholeDigits) {
                return "has more than " + wholeDigits + " digits before the point";
            }
            return number.scale() > scale && number.stripTrailingZeros().scale() > scale
                    ? "has more than " + scale + " digits after the point"
                    : null;
        };
    }

    /** Length in characters (code points), and what no text column holds. */
    static ColumnType.Limit characters(String declared, int length) {
        return value -> {
            String text = (String) value;
            String complaint = encodable(text);
            if (complaint != null) {
                return complaint;
            }
            boolean isLong = length >= 0 && text.length() > length && text.codePointCount(0, text.length()) > length;
            return isLong ? "is longer than " + declared : null;
        };
    }

    /** What is certainly no JSON text of the column; whether it is well-formed is the primary's to say. */
    static ColumnType.Limit json(String type) {
        return value -> {
            String text = (String) value;
            if (text.isBlank()) {
                return "is blank, which is no " + type;
            }
            return type.equals("jsonb") && text.contains("\\u0000") ? "contains \\u0000" : encodable(text);
        };
    }

    /** The labels of an enum type. */
    static ColumnType.Limit labels(Set<String> labels) {
        return value -> labels.contains(((Enum<?>) value).name()) ? null : "is no label of the column's enum type";
    }

    private static @Nullable String encodable(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == 0) {
                return "contains a NUL character";
            }
            if (Character.isSurrogate(c)) {
                boolean isPair = Character.isHighSurrogate(c)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1));
                if (!isPair) {
                    return "contains half of a surrogate pair";
                }
                i++;
            }
        }
        return null;
    }
}
