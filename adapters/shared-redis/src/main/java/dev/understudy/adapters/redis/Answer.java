package dev.understudy.adapters.redis;

import dev.understudy.model.Generation;
import dev.understudy.spi.GenerationChanged;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a script answered: a word, then what its header names. Not thread-safe. */
final class Answer {
    private final List<?> parts;
    private final String word;

    /**
     * The answer of a shard's script.
     *
     * @throws GenerationChanged if that is the answer
     * @throws IllegalArgumentException if it is none of a script
     */
    Answer(int shard, @Nullable Object reply) {
        if (!(reply instanceof List<?> list) || list.isEmpty()) {
            throw new IllegalArgumentException("no answer of a script");
        }
        parts = list;
        word = text(0);
        if (word.equals("GEN")) {
            throw new GenerationChanged(shard);
        }
    }

    String word() {
        return word;
    }

    boolean is(String other) {
        return word.equals(other);
    }

    int size() {
        return parts.size();
    }

    long number(int at) {
        if (parts.get(at) instanceof Long number) {
            return number;
        }
        throw new IllegalArgumentException("no number at " + at + " of the answer " + word);
    }

    Generation generation(int at) {
        return new Generation(number(at));
    }

    byte[] bytes(int at) {
        if (parts.get(at) instanceof byte[] bytes) {
            return bytes;
        }
        throw new IllegalArgumentException("no bytes at " + at);
    }

    String text(int at) {
        return new String(bytes(at), StandardCharsets.UTF_8);
    }

    IllegalArgumentException unknown() {
        return new IllegalArgumentException("no such answer: " + word);
    }
}
