package dev.understudy.adapters.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.postgresql.util.PGobject;

/**
 * Statements that travel to the server together, in one round trip. Confined to one thread.
 *
 * <p>The text of a script depends on its shape only, never on values, so that the driver's statement cache finds it again.
 * Parameters travel as texts (see {@link Literals}); the statements cast them.
 *
 * <h2>One round trip</h2>
 * Parameters have a type ({@link ParameterTypes}), whatever {@code stringtype} the URL sets: the driver asks the server for the types of
 * parameters that have none, and from then on waits for the answer of each statement whose result it takes to be without bound.
 *
 * <h2>Bounds</h2>
 * A server that cannot send its answer, because nobody reads it, does not read either. So statements whose answers are long are
 * not followed by long ones in the same round trip: see {@link #parts}.
 */
final class Script {
    /** What may be under way to the client while it still sends: less than any buffer of a socket. */
    private static final int ANSWER_CHARS_MAX = 48_000;
    /** What the server takes in even while it cannot answer. */
    private static final int REQUEST_CHARS_MAX = 16_000;
    /** An answer's length by its parameters' at most: keys are answered with positions and versions, rows with rows. */
    private static final int ANSWER_BY_REQUEST = 4;

    /** Reads one row of a statement's result. */
    @FunctionalInterface
    interface Reader {
        void row(ResultSet row) throws SQLException;
    }

    private record Step(
            String sql, @Nullable Reader reader, @Nullable String[] values) {
        int requestChars() {
            int chars = sql.length();
            for (String value : values) {
                chars += value == null ? 0 : value.length();
            }
            return chars;
        }
    }

    private final List<Step> steps = new ArrayList<>();

    /** Adds a statement whose result, if any, is of no interest. A value that is null becomes NULL. */
    Script add(String sql, @Nullable String... values) {
        steps.add(new Step(sql, null, values));
        return this;
    }

    /** Adds a statement with a result, which is read as soon as the script has run. */
    Script read(String sql, Reader reader, @Nullable String... values) {
        steps.add(new Step(sql, reader, values));
        return this;
    }

    /** Adds all of another script. */
    Script add(Script other) {
        steps.addAll(other.steps);
        return this;
    }

    boolean isEmpty() {
        return steps.isEmpty();
    }

    void run(Connection connection) throws SQLException {
        for (List<Step> part : parts()) {
            run(connection, part);
        }
    }

    /** The script in as few round trips as are safe: one, unless long answers come before long requests. */
    private List<List<Step>> parts() {
        int request = 0;
        for (Step step : steps) {
            request += step.requestChars();
        }
        if (request <= REQUEST_CHARS_MAX) {
            return steps.isEmpty() ? List.of() : List.of(steps);
        }
        List<List<Step>> parts = new ArrayList<>();
        List<Step> part = new ArrayList<>();
        int answer = 0;
        for (Step step : steps) {
            if (answer > ANSWER_CHARS_MAX && request > REQUEST_CHARS_MAX) {
                parts.add(part);
                part = new ArrayList<>();
                answer = 0;
            }
            part.add(step);
            request -= step.requestChars();
            answer += step.reader == null ? 0 : ANSWER_BY_REQUEST * step.requestChars();
        }
        parts.add(part);
        return parts;
    }

    private static void run(Connection connection, List<Step> steps) throws SQLException {
        StringBuilder sql = new StringBuilder();
        for (Step step : steps) {
            if (sql.length() > 0) {
                sql.append(";\n");
            }
            sql.append(step.sql);
        }
        try (PreparedStatement statement = connection.prepareStatement(sql.toString())) {
            int index = 0;
            for (Step step : steps) {
                List<String> types = ParameterTypes.of(step.sql);
                for (int i = 0; i < step.values.length; i++) {
                    statement.setObject(++index, typed(types.get(i), step.values[i]));
                }
            }
            boolean isResultSet = statement.execute();
            for (Step step : steps) {
                if (step.reader != null) {
                    if (!isResultSet) {
                        throw new SQLException("a statement gave no result", "02000");
                    }
                    try (ResultSet rows = statement.getResultSet()) {
                        while (rows.next()) {
                            step.reader.row(rows);
                        }
                    }
                }
                isResultSet = statement.getMoreResults();
            }
        }
    }

    private static PGobject typed(String type, @Nullable String value) throws SQLException {
        PGobject typed = new PGobject();
        typed.setType(type);
        typed.setValue(value);
        return typed;
    }
}
