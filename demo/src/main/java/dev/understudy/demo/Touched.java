package dev.understudy.demo;

import java.util.ArrayList;
import java.util.List;

/**
 * The keys that the demo has read or written through Understudy. Any thread marks; marks are complete once the marking threads have been
 * joined.
 */
final class Touched {
    private final boolean[] marks;

    Touched(int rows) {
        this.marks = new boolean[rows + 1];
    }

    void mark(long id) {
        marks[Math.toIntExact(id)] = true;
    }

    /** All marked keys, in order. */
    List<Long> ids() {
        List<Long> ids = new ArrayList<>();
        for (int id = 1; id < marks.length; id++) {
            if (marks[id]) {
                ids.add((long) id);
            }
        }
        return ids;
    }
}
