package dev.understudy.demo;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What the demo prints, as plain text of at most {@value #WIDTH} columns, and which of its checks did not hold. Confined to the demo's
 * main thread.
 */
final class Report {
    private static final int WIDTH = 96;

    private final PrintStream out;
    private final List<String> failures = new ArrayList<>();

    Report(PrintStream out) {
        this.out = out;
    }

    /** Begins a part: its title, and one sentence that says what is shown. */
    void part(String title, String sentence) {
        out.println();
        out.println(title);
        out.println("-".repeat(title.length()));
        say(sentence);
    }

    /** A paragraph, wrapped. */
    void say(String text) {
        StringBuilder line = new StringBuilder();
        for (String word : text.split(" ", -1)) {
            if (line.length() > 0 && line.length() + 1 + word.length() > WIDTH) {
                out.println(line);
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        out.println(line);
        out.flush();
    }

    /** A line as it is, indented. */
    void line(String format, Object... arguments) {
        out.println("  " + String.format(Locale.ROOT, format, arguments));
        out.flush();
    }

    /** Remembers a statement that should hold and prints it if it does not; answers whether it holds. */
    boolean check(boolean holds, String statement) {
        if (!holds) {
            failures.add(statement);
            line("FAILED: %s", statement);
        }
        return holds;
    }

    /** The statements that did not hold. */
    List<String> failures() {
        return List.copyOf(failures);
    }

    /** A number with thousands separators. */
    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    /** A number with thousands separators, rounded. */
    static String number(double value) {
        return String.format(Locale.ROOT, "%,.0f", value);
    }

    /** A part of a whole, as whole percent. */
    static String percent(long part, long whole) {
        return whole == 0 ? "-" : String.format(Locale.ROOT, "%.0f %%", 100.0 * part / whole);
    }
}
