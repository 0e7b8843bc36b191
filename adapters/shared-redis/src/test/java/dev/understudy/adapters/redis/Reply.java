package dev.understudy.adapters.redis;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a script answered: a word, then numbers and bytes. */
record Reply(List<@Nullable Object> parts) {
    String word() {
        return text(0);
    }

    boolean is(String word) {
        return word().equals(word);
    }

    long number(int index) {
        if (parts.get(index) instanceof Long number) {
            return number;
        }
        throw new Violation("reply " + this + " has no number at " + index);
    }

    String text(int index) {
        return new String(bytes(index), StandardCharsets.UTF_8);
    }

    byte[] bytes(int index) {
        if (parts.get(index) instanceof byte[] bytes) {
            return bytes;
        }
        throw new Violation("reply " + this + " has no text at " + index);
    }

    int size() {
        return parts.size();
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Object part : parts) {
            text.append(part instanceof byte[] bytes ? printable(bytes) : part).append(' ');
        }
        return text.toString().strip();
    }

    private static String printable(byte[] bytes) {
        return (bytes.length > 0 && bytes[0] < ' ') || bytes.length > 40
                ? "<" + bytes.length + " bytes>"
                : new String(bytes, StandardCharsets.UTF_8);
    }
}
