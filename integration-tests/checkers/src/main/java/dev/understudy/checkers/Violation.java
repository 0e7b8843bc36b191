package dev.understudy.checkers;

import java.util.List;

/**
 * Something that must hold and does not. Immutable.
 *
 * @param check the name of the check
 * @param key the row, or what stands for it
 * @param message what is wrong
 * @param operations the calls that show it
 */
public record Violation(String check, String key, String message, List<Operation> operations) {
    /** Copies the list. */
    public Violation {
        operations = List.copyOf(operations);
    }

    /** The lines of a report. */
    @Override
    public String toString() {
        StringBuilder text = new StringBuilder(check + " of " + key + ": " + message);
        operations.forEach(operation -> text.append("\n    ").append(operation));
        return text.toString();
    }
}
