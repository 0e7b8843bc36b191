package dev.understudy.checkers;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** What must hold of the primary's rows and of the copies. Stateless. */
public final class Copies {
    /** Name in reports. */
    public static final String VERSIONS = "version order per row";

    /** Name in reports. */
    public static final String FENCING = "fencing";

    /** Name in reports. */
    public static final String CONVERGENCE = "convergence";

    /** Name in reports. */
    public static final String CONSERVATION = "conservation";

    private Copies() {}

    /**
     * A change that the primary has committed.
     *
     * @param key the row
     * @param version of the row; 0 for a delete
     * @param value its number; {@link Operation#NOTHING} for a delete
     * @param shard of the row
     * @param epoch the fencing epoch under which a drain wrote it; 0 if no drain did, less if a drain did without one
     */
    public record Commit(String key, long version, long value, int shard, long epoch) {}

    /** What the counters of a shard say. */
    public record Counts(long acked, long applied, long superseded, long dead, long pending, long lost) {}

    /**
     * Rows whose version did not rise with every write, unless they were deleted between: an insert that got its version before a delete may
     * commit after it. In order of commit.
     */
    public static List<Violation> versionOrder(List<Commit> commits) {
        return versionOrder(commits, false);
    }

    /** The same over deletes too, for rows that are written back only: a batch that was applied again is such a case. */
    public static List<Violation> versionOrderOverDeletes(List<Commit> commits) {
        return versionOrder(commits, true);
    }

    private static List<Violation> versionOrder(List<Commit> commits, boolean overDeletes) {
        List<Violation> violations = new ArrayList<>();
        Map<String, Long> versions = new HashMap<>();
        for (Commit commit : commits) {
            long before = versions.getOrDefault(commit.key(), 0L);
            if (commit.value() != Operation.NOTHING && commit.version() <= before) {
                violations.add(new Violation(
                        VERSIONS, commit.key(), "version " + commit.version() + " came after " + before, List.of()));
            }
            if (commit.value() != Operation.NOTHING) {
                versions.put(commit.key(), Math.max(before, commit.version()));
            } else if (!overDeletes) {
                versions.remove(commit.key());
            }
        }
        return violations;
    }

    /**
     * Rows that a drain wrote after another had taken their shard, or written to it, under a higher epoch. In order of commit; a shard that was
     * taken is a commit without a row.
     */
    public static List<Violation> fencing(List<Commit> commits) {
        List<Violation> violations = new ArrayList<>();
        Map<Integer, Long> epochs = new HashMap<>();
        for (Commit commit : commits) {
            long highest = epochs.getOrDefault(commit.shard(), 0L);
            if (commit.epoch() != 0 && commit.epoch() < highest) {
                violations.add(new Violation(
                        FENCING,
                        commit.key(),
                        "written under epoch " + commit.epoch() + " after " + highest,
                        List.of()));
            }
            epochs.merge(commit.shard(), commit.epoch(), Math::max);
        }
        return violations;
    }

    /** Keys whose value differs between a copy and the primary; a key that a copy does not name is not held there. */
    public static List<Violation> convergence(Map<String, Long> primary, Map<String, Map<String, Long>> copies) {
        List<Violation> violations = new ArrayList<>();
        copies.forEach((name, copy) -> {
            for (String key : new TreeSet<>(copy.keySet())) {
                long there = copy.getOrDefault(key, Operation.NOTHING);
                long row = primary.getOrDefault(key, Operation.NOTHING);
                if (there != row) {
                    violations.add(new Violation(
                            CONVERGENCE, key, name + " has value " + there + ", the primary " + row, List.of()));
                }
            }
        });
        return violations;
    }

    /** Shards whose acknowledged writes are not all accounted for. */
    public static List<Violation> conservation(Map<Integer, Counts> shards) {
        List<Violation> violations = new ArrayList<>();
        shards.forEach((shard, counts) -> {
            long accounted = counts.applied() + counts.superseded() + counts.dead() + counts.pending() + counts.lost();
            if (accounted != counts.acked()) {
                violations.add(new Violation(CONSERVATION, "shard " + shard, counts.toString(), List.of()));
            }
        });
        return violations;
    }
}
