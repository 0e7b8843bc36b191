package dev.understudy.spi;

import dev.understudy.model.Version;

/** A row as the primary stored it; {@link Version#UNVERSIONED} without a version column. */
public record Row<V>(V value, Version version) {
    /** Values never appear in logs or messages. */
    @Override
    public String toString() {
        return "Row[" + version + "]";
    }
}
