package dev.understudy;

import dev.understudy.model.Invalid;
import org.jspecify.annotations.Nullable;

/** One setting of a builder: set at most once, within its range. Not thread-safe. */
final class Setting<T extends Comparable<T>> {
    private final String name;
    private final T byDefault;
    private final T least;
    private final T most;
    private @Nullable T value;

    Setting(String name, T byDefault, T least, T most) {
        this.name = name;
        this.byDefault = byDefault;
        this.least = least;
        this.most = most;
    }

    void set(@Nullable T chosen) {
        if (chosen == null) {
            throw new Invalid(name + " is null");
        }
        if (value != null) {
            throw new Invalid(name + " is set twice: " + value + ", then " + chosen);
        }
        if (chosen.compareTo(least) < 0 || chosen.compareTo(most) > 0) {
            throw new Invalid(name + " = " + chosen + " is outside " + least + " to " + most);
        }
        value = chosen;
    }

    boolean isSet() {
        return value != null;
    }

    T get() {
        return value == null ? byDefault : value;
    }
}
