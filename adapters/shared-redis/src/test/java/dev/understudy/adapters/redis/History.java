package dev.understudy.adapters.redis;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operations of a schedule and the check of every read against them. The check knows no versions: a read may not return a
 * value whose write had ended before another acknowledged write or delete was invoked that was itself acknowledged before the
 * read was invoked; and may return "absent" only if some delete can explain it. Not thread-safe.
 */
final class History {
    private static final long NEVER = Long.MAX_VALUE;

    /** One write or delete. */
    static final class Operation {
        final String key;
        /** What it writes, unique in the schedule; null for a delete. */
        final @Nullable String value;

        final boolean direct;
        final long invoked;
        long ended = NEVER;
        /** When a strong read first returned it. */
        long seen = NEVER;

        boolean acknowledged;
        /** Certainly without effect: rolled back or refused. */
        boolean isVoid;
        /** The primary may refuse it for ever: then what it superseded is gone with it. */
        boolean mayDie;
        /** Its version, as far as known. */
        long version;

        Operation(String key, @Nullable String value, boolean direct, long invoked) {
            this.key = key;
            this.value = value;
            this.direct = direct;
            this.invoked = invoked;
        }

        boolean deletes() {
            return value == null;
        }
    }

    private record Swap(Operation operation, long base) {}

    private final List<Operation> operations = new ArrayList<>();
    private final List<Swap> swaps = new ArrayList<>();
    private long time;

    long tick() {
        return ++time;
    }

    Operation begin(String key, @Nullable String value, boolean direct) {
        Operation operation = new Operation(key, value, direct, tick());
        operations.add(operation);
        return operation;
    }

    void finish(Operation operation, boolean acknowledged) {
        operation.ended = tick();
        operation.acknowledged = acknowledged;
    }

    /** The operation that wrote a value; the primary may have appended an exclamation mark to it. */
    Operation writer(String value) {
        String sent = value.endsWith("!") ? value.substring(0, value.length() - 1) : value;
        return operations.stream()
                .filter(o -> sent.equals(o.value))
                .findFirst()
                .orElseThrow(() -> new Violation("invention: " + value + " was never written"));
    }

    /**
     * Checks a read.
     *
     * @param invoked when it began
     * @param strong whether it may not go back behind another strong read
     * @param last whether all is quiet, so that direct writers count
     */
    void check(String key, long invoked, @Nullable String value, String source, boolean strong, boolean last) {
        List<Operation> newer = operations.stream()
                .filter(o -> o.key.equals(key)
                        && ((o.acknowledged && o.ended < invoked) || (strong && o.seen < invoked))
                        && (last || !o.direct))
                .filter(o -> operations.stream()
                        .noneMatch(d -> d.mayDie && d.key.equals(key) && !d.isVoid && d.ended >= o.invoked))
                .toList();
        if (value == null) {
            for (Operation write : newer) {
                if (!write.deletes()
                        && operations.stream()
                                .noneMatch(d ->
                                        d.key.equals(key) && d.deletes() && !d.isVoid && d.ended >= write.invoked)) {
                    throw new Violation("lost: absent from " + source + ", but " + write.value + " was acknowledged");
                }
            }
            return;
        }
        Operation write = writer(value);
        if (write.isVoid) {
            throw new Violation("invention: " + value + " from " + source + " was rolled back");
        }
        if (strong) {
            write.seen = Math.min(write.seen, tick());
        }
        for (Operation later : newer) {
            if (later.invoked > write.ended) {
                throw new Violation((later.deletes() ? "resurrected: " : "stale: ") + value + " from " + source
                        + ", superseded by " + (later.deletes() ? "a delete" : later.value));
            }
        }
    }

    /** Checks that a write that demanded an existing row could find one. */
    void checkExists(String key, long invoked) {
        boolean explained = operations.stream()
                .filter(o -> o.key.equals(key) && !o.deletes() && !o.isVoid)
                .anyMatch(write -> operations.stream()
                        .noneMatch(d -> d.key.equals(key)
                                && d.deletes()
                                && !d.direct
                                && d.acknowledged
                                && d.invoked > write.ended
                                && d.ended < invoked));
        if (!explained) {
            throw new Violation("resurrected: an update of a row that did not exist was acknowledged");
        }
    }

    /** Remembers that an acknowledged write replaced exactly that version. */
    void swapped(Operation operation, long base) {
        swaps.add(new Swap(operation, base));
    }

    /** Checks that no acknowledged write beside a swap came between the version it replaced and its own. */
    void checkSwaps() {
        for (Swap swap : swaps) {
            Operation by = swap.operation;
            for (Operation o : operations) {
                if (o != by
                        && o.key.equals(by.key)
                        && o.acknowledged
                        && !o.deletes()
                        && !o.direct
                        && o.invoked < by.ended
                        && o.ended > by.invoked
                        && o.version > swap.base
                        && o.version < by.version) {
                    throw new Violation("lost update: " + by.value + " replaced " + o.value + " unseen");
                }
            }
        }
    }
}
