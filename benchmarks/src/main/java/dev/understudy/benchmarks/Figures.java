package dev.understudy.benchmarks;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What was measured, each beside its raw baseline of the same run. Not thread-safe. */
final class Figures {
    private final List<Figure> all = new ArrayList<>();

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

    private void add(Figure figure) {
        all.add(figure);
        System.out.println(figure);
    }

    /** Writes {@code figures.json} and {@code figures.md}. */
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
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
