package dev.understudy.sim;

import dev.understudy.spi.InMemoryPrimary;
import java.util.HashMap;
import java.util.Map;

/** Locks by row, waited for on the scheduler. Confined to the running actor. */
final class RowLocks implements InMemoryPrimary.Locks {
    private record RowId(String table, Object key) {}

    private final Scheduler scheduler;
    private final Map<RowId, Object> holders = new HashMap<>();

    RowLocks(Scheduler scheduler) {
        this.scheduler = scheduler;
    }

    @Override
    public boolean lock(Object transaction, String table, Object key, long nanos) {
        RowId row = new RowId(table, key);
        if (holders.get(row) == transaction) {
            return true;
        }
        scheduler.step();
        long end = scheduler.now() + nanos;
        while (holders.containsKey(row)) {
            if (scheduler.now() >= end || !scheduler.await(() -> !holders.containsKey(row), end - scheduler.now())) {
                return false;
            }
        }
        holders.put(row, transaction);
        return true;
    }

    @Override
    public void release(Object transaction) {
        holders.values().removeIf(holder -> holder == transaction);
    }
}
