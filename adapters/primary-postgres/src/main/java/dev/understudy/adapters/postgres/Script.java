package dev.understudy.adapters.postgres;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Statements that travel to the server together, in one round trip. Confined to one thread.
 *
 * <p>The text of a script depends on its shape only, never on values, so that the driver's statement cache finds it again.
 * Parameters are texts of unspecified type (see {@link Literals}); the statements cast them.
 */
final class Script {
    /** Reads one row of a statement's result. */
    @FunctionalInterface
    interface Reader {
        void row(ResultSet row) throws SQLException;
    }

    private record Step(String sql, @Nullable Reader reader) {}

    private final List<Step> steps = new ArrayList<>();
    private final List<String> parameters = new ArrayList<>();

    /** Adds a statement whose result, if any, is of no interest. */
    Script add(String sql, String... values) {
        steps.add(new Step(sql, null));
        Collections.addAll(parameters, values);
        return this;
    }

    /** Adds a statement with a result, which is read as soon as the script has run. */
    Script read(String sql, Reader reader, String... values) {
        steps.add(new Step(sql, reader));
        Collections.addAll(parameters, values);
        return this;
    }

    /** Adds all of another script. */
    Script add(Script other) {
        steps.addAll(other.steps);
        parameters.addAll(other.parameters);
        return this;
    }

    boolean isEmpty() {
        return steps.isEmpty();
    }

    void run(Connection connection) throws SQLException {
        if (steps.isEmpty()) {
            return;
        }
        StringBuilder sql = new StringBuilder();
        for (Step step : steps) {
            if (sql.length() > 0) {
                sql.append(";\n");
            }
            sql.append(step.sql);
        }
        try (PreparedStatement statement = connection.prepareStatement(sql.toString())) {
            for (int i = 0; i < parameters.size(); i++) {
                statement.setObject(i + 1, parameters.get(i), Types.OTHER);
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
}
