package dev.understudy.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Figures as pictures: a bar for each ratio that has a goal, a panel for each curve. Stateless. */
final class Plots {
    private static final int LABELS = 430;
    private static final int BARS = 420;
    private static final int ROW = 22;
    /** The bars' axis is logarithmic, from a hundredth to a hundred times the goal. */
    private static final double DECADES = 2;

    private static final int PANEL_WIDTH = 500;
    private static final int PANEL_HEIGHT = 240;
    private static final int PANELS_IN_A_ROW = 2;
    private static final int MARGIN = 50;
    private static final String OURS = "#2563a8";
    private static final String RAW = "#888888";
    private static final String MISSED = "#c05020";

    private Plots() {}

    /** One place of a curve. */
    record Point(double x, double value, double baseline) {}

    /** The library and the raw parts over something that varies. */
    record Curve(String name, String axis, String unit, List<Point> points) {}

    static void write(Path folder, List<Figures.Figure> figures, List<Curve> curves) throws IOException {
        List<Figures.Figure> aimed =
                figures.stream().filter(figure -> !figure.goal().isEmpty()).toList();
        write(folder.resolve("figures.svg"), aimed.isEmpty() ? "" : bars(aimed));
        write(folder.resolve("curves.svg"), curves.isEmpty() ? "" : panels(curves));
    }

    /** Leaves no picture of an earlier run where there is none of this one. */
    private static void write(Path file, String svg) throws IOException {
        if (svg.isEmpty()) {
            Files.deleteIfExists(file);
        } else {
            Files.writeString(file, svg);
        }
    }

    private static String bars(List<Figures.Figure> figures) {
        int height = ROW * (figures.size() + 2);
        StringBuilder svg = begin(LABELS + BARS + 120, height);
        text(svg, 4, ROW * 0.7, "start", "ratio to the baseline; the line is the goal, the axis logarithmic");
        double middle = LABELS + BARS / 2.0;
        for (int i = 0; i < figures.size(); i++) {
            Figures.Figure figure = figures.get(i);
            double goal = Double.parseDouble(figure.goal().substring(3));
            double decades = Math.log10(Math.max(1e-9, figure.ratio()) / goal);
            double end = middle + Math.max(-DECADES, Math.min(DECADES, decades)) * BARS / (2 * DECADES);
            double top = ROW * (i + 1.0);
            append(
                    svg,
                    "<rect x='%.1f' y='%.1f' width='%.1f' height='%d' fill='%s'/>%n",
                    Math.min(middle, end),
                    top,
                    Math.max(1, Math.abs(end - middle)),
                    ROW - 6,
                    figure.met() ? OURS : MISSED);
            text(svg, LABELS - 8, top + ROW * 0.6, "end", figure.name());
            String label = String.format(Locale.ROOT, "%.2f (%s)", figure.ratio(), figure.goal());
            text(svg, end < middle ? middle + 6 : end + 6, top + ROW * 0.6, "start", label);
        }
        append(svg, "<path d='M%.1f %d V%d' stroke='black'/>%n", middle, ROW, height - ROW);
        return svg.append("</svg>\n").toString();
    }

    private static String panels(List<Curve> curves) {
        int rows = (curves.size() + PANELS_IN_A_ROW - 1) / PANELS_IN_A_ROW;
        StringBuilder svg = begin(PANELS_IN_A_ROW * PANEL_WIDTH, rows * PANEL_HEIGHT);
        for (int i = 0; i < curves.size(); i++) {
            append(
                    svg,
                    "<g transform='translate(%d %d)'>%n",
                    i % PANELS_IN_A_ROW * PANEL_WIDTH,
                    i / PANELS_IN_A_ROW * PANEL_HEIGHT);
            panel(svg, curves.get(i));
            svg.append("</g>\n");
        }
        return svg.append("</svg>\n").toString();
    }

    /** Points at equal distances, from zero up to the highest. */
    private static void panel(StringBuilder svg, Curve curve) {
        double highest = curve.points().stream()
                .mapToDouble(point -> Math.max(point.value(), point.baseline()))
                .max()
                .orElse(1);
        int right = PANEL_WIDTH - MARGIN;
        int bottom = PANEL_HEIGHT - MARGIN;
        text(svg, MARGIN, 20, "start", curve.name());
        append(svg, "<path d='M%d 30 V%d H%d' fill='none' stroke='black'/>%n", MARGIN, bottom, right);
        text(svg, MARGIN + 4, 40, "start", String.format(Locale.ROOT, "%,.0f %s", highest, curve.unit()));
        int size = curve.points().size();
        double step = (right - MARGIN) / (double) Math.max(1, size - 1);
        for (int i = 0; i < size; i++) {
            String label =
                    String.format(Locale.ROOT, "%,.0f", curve.points().get(i).x());
            text(svg, MARGIN + i * step, bottom + 16, "middle", label);
        }
        text(svg, (MARGIN + right) / 2.0, bottom + 34, "middle", curve.axis() + "; library blue, raw grey");
        line(svg, curve, step, bottom, highest, RAW, Point::baseline);
        line(svg, curve, step, bottom, highest, OURS, Point::value);
    }

    private static void line(
            StringBuilder svg,
            Curve curve,
            double step,
            int bottom,
            double highest,
            String colour,
            ToDoubleFunction<Point> height) {
        StringBuilder path = new StringBuilder();
        for (int i = 0; i < curve.points().size(); i++) {
            double y =
                    bottom - (bottom - 30) * height.applyAsDouble(curve.points().get(i)) / highest;
            append(path, "%s%.1f %.1f ", i == 0 ? "M" : "L", MARGIN + i * step, y);
        }
        append(svg, "<path d='%s' fill='none' stroke='%s' stroke-width='2'/>%n", path.toString(), colour);
    }

    private static StringBuilder begin(int width, int height) {
        StringBuilder svg = new StringBuilder();
        append(
                svg,
                "<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' font-family='sans-serif' font-size='12'>%n"
                        + "<rect width='100%%' height='100%%' fill='white'/>%n",
                width,
                height);
        return svg;
    }

    private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
        String escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
        append(svg, "<text x='%.1f' y='%.1f' text-anchor='%s'>%s</text>%n", x, y, anchor, escaped);
    }

    private static void append(StringBuilder svg, String format, Object... values) {
        svg.append(String.format(Locale.ROOT, format, values));
    }
}
