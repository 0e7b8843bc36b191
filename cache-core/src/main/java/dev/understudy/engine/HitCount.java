package dev.understudy.engine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A count for a path on which an atomic increment would be seen. Thread-safe.
 *
 * <p>Each thread adds to the cell of its identity, without a compare-and-set: exact while at most one thread of a cell counts at a time, and
 * never too high. Two threads that share one of the {@value #CELLS} cells and count in the same nanoseconds may be counted once.
 */
public final class HitCount {
    private static final int CELLS = 64;
    /** Longs between two cells: two cache lines, as processors fetch them in pairs. */
    private static final int STRIDE = 16;

    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);

    private final long[] cells = new long[(CELLS + 1) * STRIDE];

    HitCount() {}

    void increment() {
        int cell = (((int) Thread.currentThread().getId() & (CELLS - 1)) + 1) * STRIDE;
        CELL.setOpaque(cells, cell, (long) CELL.getOpaque(cells, cell) + 1);
    }

    /** The count so far. */
    public long sum() {
        long sum = 0;
        for (int cell = 1; cell <= CELLS; cell++) {
            sum += (long) CELL.getOpaque(cells, cell * STRIDE);
        }
        return sum;
    }

    @Override
    public String toString() {
        return Long.toString(sum());
    }
}
