package dev.understudy.model;

import java.time.Duration;

/**
 * Where one instance's near replica of one repository stands, and which tier answered its reads, since the repository was built. Immutable; plain
 * counts for an exporter to pass on.
 *
 * @param position changes that the replica has applied, over all shards
 * @param shards how many shards there are
 * @param unconfirmed shards that do not serve bounded reads now, because their position is not confirmed yet
 * @param staleness how long ago the shard that was confirmed longest ago was confirmed, also if it was dropped since; since the repository was
 *     built for one that never was
 * @param stalenessP99 what 99 of 100 shards did not exceed when they were looked at before each pull, to a sixteenth
 * @param entries in the replica, about
 * @param gaps announcements that did not follow the one before
 * @param drops shards whose entries were dropped
 * @param lateInstalls loads and own writes that were not installed because they were or may have been overtaken
 * @param pulls of positions
 * @param failedPulls pulls that were not answered
 * @param reads which tier answered
 */
public record NearStatus(
        long position,
        int shards,
        int unconfirmed,
        Duration staleness,
        Duration stalenessP99,
        long entries,
        long gaps,
        long drops,
        long lateInstalls,
        long pulls,
        long failedPulls,
        Reads reads) {
    /**
     * Which tier answered, in keys.
     *
     * @param near answered by the near replica; may be a few too low under contention, never too high
     * @param nearBypassed passed by an entry of the near replica whose shard was dropped, or not confirmed within the bound
     * @param shared answered by the shared replica
     * @param primary rows asked of the primary
     * @param joined answered by the load of another caller
     * @param bypassed answered by the primary because the shared replica could not be asked
     * @param uncovered reads of sessions that went to the primary because the shared replica did not hold what the session saw
     * @param stale answered by an entry that was not fresh, within {@code maxStale}
     */
    public record Reads(
            long near,
            long nearBypassed,
            long shared,
            long primary,
            long joined,
            long bypassed,
            long uncovered,
            long stale) {}
}
