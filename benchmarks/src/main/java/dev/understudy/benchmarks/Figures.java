package dev.understudy.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What was measured, each beside its raw baseline of the same run. Not thread-safe. */
final class Figures {
    private final List<Figure> all = new ArrayList<>();
    private final Map<String, Plots.Curve> curves = new LinkedHashMap<>();

    /**
     * One figure.
     *
     * @param name what was measured
     * @param value the library's
     * @param unit of value and baseline
     * @param baseline the raw parts'
     * @param ratio value by baseline
     * @param goal what the ratio shall be; empty if there is none
     * @param met whether it is
     */
    record Figure(String name, double value, String unit, double baseline, double ratio, String goal, boolean met) {
        @Override
        public String toString() {
            return String.format(
                    Locale.ROOT,
                    "| %s | %,.1f %s | %,.1f | %.2f | %s | %s |",
                    name,
                    value,
                    unit,
                    baseline,
                    ratio,
                    goal,
                    goal.isEmpty() ? "" : met ? "yes" : "no");
        }
    }

    /** A figure whose ratio shall be at least so much. */
    void atLeast(String name, double value, String unit, double baseline, double goal) {
        double ratio = value / baseline;
        add(new Figure(name, value, unit, baseline, ratio, ">= " + goal, ratio >= goal));
    }

    /** A figure whose ratio shall be at most so much. */
    void atMost(String name, double value, String unit, double baseline, double goal) {
        double ratio = value / baseline;
        add(new Figure(name, value, unit, baseline, ratio, "<= " + goal, ratio <= goal));
    }

    /** A figure without a goal. */
    void seen(String name, double value, String unit, double baseline) {
        add(new Figure(name, value, unit, baseline, value / baseline, "", true));
    }

    /** What the ways of a contest did that are neither raw nor ours, beside raw. */
    void rivals(String name, Contest.Results results) {
        Contest.Result raw = results.of("raw");
        results.byName().forEach((way, result) -> {
            if (!way.equals("raw") && !way.equals("ours")) {
                seen(name + "throughput, " + way, result.perSecond(), "/s", raw.perSecond());
                seen(name + "p50, " + way, result.p50Micros(), "us", raw.p50Micros());
                seen(name + "p99, " + way, result.p99Micros(), "us", raw.p99Micros());
            }
        });
    }

    /** A point of a curve: what the library reached there, beside the raw parts at the same place; without a goal. */
    void point(String curve, double x, String axis, double value, String unit, double baseline) {
        seen(String.format(Locale.ROOT, "%s, %,.0f %s", curve, x, axis), value, unit, baseline);
        curves.computeIfAbsent(curve, name -> new Plots.Curve(name, axis, unit, new ArrayList<>()))
                .points()
                .add(new Plots.Point(x, value, baseline));
    }

    private void add(Figure figure) {
        all.add(figure);
        System.out.println(figure);
    }

    /** Writes {@code figures.json}, {@code figures.md} and, where there is something to draw, {@code figures.svg} and {@code curves.svg}. */
    void write(Path folder) {
        StringBuilder table =
                new StringBuilder("| figure | value | baseline | ratio | goal | met |\n|---|---|---|---|---|---|\n");
        all.forEach(figure -> table.append(figure).append('\n'));
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("figures.md"), table);
            Files.write(
                    folder.resolve("figures.json"),
                    new ObjectMapper()
                            .enable(SerializationFeature.INDENT_OUTPUT)
                            .writeValueAsBytes(all));
            Plots.write(folder, all, List.copyOf(curves.values()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
