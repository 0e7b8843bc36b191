package dev.understudy.demo;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import javax.sql.DataSource;

/** The demo's own SQL on one table of products, as an application without a library writes it. Thread-safe. */
final class Sql {
    private final DataSource dataSource;
    private final String table;

    Sql(DataSource dataSource, String table) {
        this.dataSource = dataSource;
        this.table = table;
    }

    /** The row, if there is one. */
    Optional<Product> select(long id) {
        String sql = "SELECT " + Product.COLUMNS + " FROM " + table + " WHERE id = ?";
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setLong(1, id);
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? Optional.of(product(rows)) : Optional.empty();
            }
        } catch (SQLException e) {
            throw new IllegalStateException("cannot read a row of " + table, e);
        }
    }

    /** The rows that exist, in one statement. */
    Map<Long, Product> selectAll(Collection<Long> ids) {
        String sql = "SELECT " + Product.COLUMNS + " FROM " + table + " WHERE id = ANY (?)";
        Map<Long, Product> found = new LinkedHashMap<>();
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setArray(1, connection.createArrayOf("bigint", ids.toArray()));
            try (ResultSet rows = statement.executeQuery()) {
                while (rows.next()) {
                    found.put(rows.getLong(1), product(rows));
                }
            }
            return found;
        } catch (SQLException e) {
            throw new IllegalStateException("cannot read rows of " + table, e);
        }
    }

    /** Replaces the row; answers how many rows that were. */
    int update(Product product) {
        String sql = "UPDATE " + table + " SET name = ?, price = ?, stock = ? WHERE id = ?";
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.setString(1, product.name());
            statement.setBigDecimal(2, product.price());
            statement.setInt(3, product.stock());
            statement.setLong(4, product.id());
            return statement.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException("cannot update a row of " + table, e);
        }
    }

    /** Runs statements that answer nothing. */
    static void run(DataSource dataSource, String sql) {
        try (Connection connection = dataSource.getConnection();
                PreparedStatement statement = connection.prepareStatement(sql)) {
            statement.execute();
        } catch (SQLException e) {
            throw new IllegalStateException("the database refused: " + e.getMessage(), e);
        }
    }

    private static Product product(ResultSet rows) throws SQLException {
        return new Product(rows.getLong(1), rows.getString(2), rows.getBigDecimal(3), rows.getInt(4));
    }
}
