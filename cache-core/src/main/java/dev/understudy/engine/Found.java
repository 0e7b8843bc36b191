package dev.understudy.engine;

import dev.understudy.model.Tier;
import dev.understudy.model.Version;
import dev.understudy.model.Versioned;
import dev.understudy.spi.Row;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a read found below the near replica. Immutable.
 *
 * @param value empty if there is no row
 * @param version {@link Version#ABSENT} if there is no row
 * @param tier where
 * @param asOf the moment, on the engine's clock, before which every applied change is contained
 * @param mayTrail whether acknowledged write-backs may be missing
 * @param isFilled whether the shared replica holds it or something newer, so that its position covers it. A row of the primary does not count
 *     until its fill was accepted: the write that made it may not be announced yet, and a newer one may be
 */
record Found<V>(Optional<V> value, Version version, Tier tier, long asOf, boolean mayTrail, boolean isFilled) {
    /** The primary's row, of which the shared replica knows nothing. */
    static <V> Found<V> loaded(@Nullable Row<V> row, long asOf, boolean mayTrail) {
        return row == null
                ? new Found<>(Optional.empty(), Version.ABSENT, Tier.PRIMARY, asOf, mayTrail, false)
                : new Found<>(Optional.of(row.value()), row.version(), Tier.PRIMARY, asOf, mayTrail, false);
    }

    /** The same, with its fill accepted. */
    Found<V> filled() {
        return new Found<>(value, version, tier, asOf, mayTrail, true);
    }

    Versioned<V> versioned(CacheContext<?, V> context) {
        Duration age = Duration.ofNanos(Math.max(0, context.clock.nanoTime() - asOf));
        return new Versioned<>(value, version, age, tier, mayTrail);
    }

    /** Values never appear in logs or messages. */
    @Override
    public String toString() {
        return "Found[" + version + ", " + tier + "]";
    }
}
