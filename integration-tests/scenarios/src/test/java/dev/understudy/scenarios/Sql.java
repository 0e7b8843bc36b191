package dev.understudy.scenarios;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** SQL of the test's own, past the library. Thread-safe; each call has a connection of its own. */
record Sql(String url) {
    /** Runs statements. */
    void run(String sql) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException("the test's own SQL failed: " + e.getMessage(), e);
        }
    }

    /** The rows, each with its columns' texts joined by a bar. */
    List<String> rows(String query) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(query)) {
            List<String> rows = new ArrayList<>();
            while (result.next()) {
                List<String> columns = new ArrayList<>();
                for (int i = 1; i <= result.getMetaData().getColumnCount(); i++) {
                    columns.add(result.getString(i));
                }
                rows.add(String.join("|", columns));
            }
            return rows;
        } catch (SQLException e) {
            throw new IllegalStateException("the test's own SQL failed: " + e.getMessage(), e);
        }
    }

    /** The only row, if there is one. */
    Optional<String> row(String query) {
        List<String> rows = rows(query);
        if (rows.size() > 1) {
            throw new IllegalStateException(rows.size() + " rows");
        }
        return rows.stream().findFirst();
    }

    /** A number. */
    long number(String query) {
        return Long.parseLong(row(query).orElseThrow());
    }
}
