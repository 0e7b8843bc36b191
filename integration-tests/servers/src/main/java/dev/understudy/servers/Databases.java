package dev.understudy.servers;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Databases of a test's own on a PostgreSQL server, and the URLs that lead there. */
final class Databases {
    private static final Pattern NAME = Pattern.compile("[a-z_][a-z0-9_]{0,39}");
    private static final Pattern URL = Pattern.compile("jdbc:postgresql://([^/?]+)(?:/([^?]*))?(\\?.*)?");

    private Databases() {}

    /** Creates a database and returns its name, which begins with {@code prefix}. */
    static String create(String url, String prefix) {
        if (!NAME.matcher(prefix).matches()) {
            throw new IllegalArgumentException(
                    "a database name has 1 to 40 lower-case letters, digits and underscores: " + prefix);
        }
        String name = prefix + "_" + UUID.randomUUID().toString().substring(0, 8);
        execute(url, "create database " + name);
        return name;
    }

    /** Drops a database even if somebody is still connected to it. */
    static void drop(String url, String name) {
        execute(url, "drop database if exists " + name + " with (force)");
    }

    /** The name of the user that {@code url} connects as. */
    static String user(String url) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement();
                ResultSet rows = statement.executeQuery("select current_user")) {
            rows.next();
            return rows.getString(1);
        } catch (SQLException e) {
            throw new IllegalStateException("cannot ask " + place(url) + " for its user: " + e.getMessage(), e);
        }
    }

    /** The same server's {@code database}. */
    static String withDatabase(String url, String database) {
        Matcher matcher = match(url);
        String parameters = matcher.group(3);
        return "jdbc:postgresql://" + matcher.group(1) + "/" + database + (parameters == null ? "" : parameters);
    }

    /** Host and port of a URL, without its credentials. */
    static String place(String url) {
        return match(url).group(1);
    }

    private static Matcher match(String url) {
        Matcher matcher = URL.matcher(url);
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "-D" + Servers.POSTGRES + " must be jdbc:postgresql://host[:port]/database[?...]");
        }
        return matcher;
    }

    private static void execute(String url, String sql) {
        try (Connection connection = DriverManager.getConnection(url);
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new IllegalStateException(sql + " on " + place(url) + ": " + e.getMessage(), e);
        }
    }
}
