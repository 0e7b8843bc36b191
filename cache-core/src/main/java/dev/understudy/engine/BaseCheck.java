package dev.understudy.engine;

import dev.understudy.engine.DrainBatch.Item;
import dev.understudy.model.Version;

/**
 * Tells whether a writer that goes around the cache has changed a row since the run of pending writes on it began. Stateless.
 *
 * <p>The row is as it was if it has the base's version, or is absent as the base says. Otherwise its own version says who changed it: even
 * ones are allocated by the shared replica and only the library writes them, odd ones come from the primary. A row that is gone was
 * deleted through the cache if there is a tombstone above the base.
 */
final class BaseCheck {
    private BaseCheck() {}

    /**
     * Whether the row was changed around the cache.
     *
     * @param row the row's version, {@link Version#ABSENT} without one
     * @param tombstone the newest tombstone of the key, {@link Version#ABSENT} without one
     */
    static boolean isConflict(Item<?, ?> item, Version row, Version tombstone) {
        Version base = item.entry().base();
        Version version = item.entry().version();
        if (row.equals(base) || row.equals(version)) {
            return false;
        }
        if (row.isAbsent()) {
            // An absent row is what a delete wants.
            return !item.deletes() && !base.equals(Version.UNKNOWN) && !tombstone.isAfter(base);
        }
        boolean isForeign = row.isStamped();
        return isForeign && (!base.equals(Version.UNKNOWN) || row.isAfter(version));
    }
}
