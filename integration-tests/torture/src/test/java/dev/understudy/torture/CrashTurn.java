package dev.understudy.torture;

import java.util.Arrays;
import java.util.List;

/** The points at which processes end themselves, one after the other and again from the first. Not thread-safe. */
final class CrashTurn {
    /** The system property that lists the points; all if it is empty. */
    static final String PROPERTY = "torture.points";

    private final List<CrashPoint> points;
    private int next;

    CrashTurn(List<CrashPoint> points) {
        this.points = points;
    }

    /** The points that the property lists. */
    static CrashTurn ofProperty() {
        String list = System.getProperty(PROPERTY, "");
        return new CrashTurn(
                list.isEmpty()
                        ? CrashPoint.all()
                        : Arrays.stream(list.split(",", -1))
                                .map(CrashPoint::valueOf)
                                .toList());
    }

    /** The one whose turn it is. */
    CrashPoint next() {
        return points.get(next++ % points.size());
    }
}
