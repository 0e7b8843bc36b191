package dev.understudy.adapters.postgres;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Values in Postgres' own text form. Parameters are sent as text and read by the input function of the type that the
 * statement casts to: nothing is rounded on the way, any type works, and no look-up of types is needed.
 * Stateless. Source: Postgres documentation, 8.15.2 "Array Value Input".
 */
final class Literals {
    private static final char[] HEX = "0123456789abcdef".toCharArray();

    private Literals() {}

    /** An array of the elements' texts; a text that is null becomes NULL. */
    static <T> String array(List<T> elements, Function<? super T, @Nullable String> text) {
        StringBuilder array = new StringBuilder(2 + elements.size() * 12).append('{');
        for (int i = 0; i < elements.size(); i++) {
            if (i > 0) {
                array.append(',');
            }
            append(array, text.apply(elements.get(i)));
        }
        return array.append('}').toString();
    }

    private static void append(StringBuilder array, @Nullable String element) {
        if (element == null) {
            array.append("NULL");
            return;
        }
        array.append('"');
        for (int i = 0; i < element.length(); i++) {
            char c = element.charAt(i);
            if (c == '"' || c == '\\') {
                array.append('\\');
            }
            array.append(c);
        }
        array.append('"');
    }

    /** Bytes in hexadecimal form. */
    static String bytes(byte[] bytes) {
        StringBuilder text = new StringBuilder(2 + bytes.length * 2).append("\\x");
        for (byte b : bytes) {
            text.append(HEX[(b >> 4) & 0xf]).append(HEX[b & 0xf]);
        }
        return text.toString();
    }
}
