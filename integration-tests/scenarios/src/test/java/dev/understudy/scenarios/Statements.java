package dev.understudy.scenarios;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import javax.sql.DataSource;

/** What one instance has sent to Postgres: the texts of all statements, in order. Thread-safe. */
final class Statements {
    private final List<String> texts = new CopyOnWriteArrayList<>();

    /** Forgets what was sent so far. */
    void clear() {
        texts.clear();
    }

    /** The texts of a kind. */
    List<String> matching(Predicate<String> kind) {
        return texts.stream().filter(kind).toList();
    }

    /** Upserts into that table. */
    List<String> upserts(String table) {
        return matching(text -> text.startsWith("INSERT INTO")
                && text.contains("\"" + table + "\" AS t")
                && text.contains("ON CONFLICT"));
    }

    /** Reads of that table. */
    List<String> selects(String table) {
        return matching(text -> text.startsWith("SELECT") && text.contains("\"" + table + "\" AS t"));
    }

    /** The same data source, watched. */
    DataSource watching(DataSource dataSource) {
        return proxy(DataSource.class, dataSource, (method, result) -> {
            return result instanceof Connection connection ? watching(connection) : result;
        });
    }

    private Connection watching(Connection connection) {
        InvocationHandler handler = (proxy, method, arguments) -> {
            if (method.getName().equals("prepareStatement")) {
                texts.addAll(List.of(((String) arguments[0]).split(";\n")));
            }
            try {
                return method.invoke(connection, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        };
        return (Connection)
                Proxy.newProxyInstance(Statements.class.getClassLoader(), new Class<?>[] {Connection.class}, handler);
    }

    private interface After {
        Object on(String method, Object result) throws SQLException;
    }

    private static <T> T proxy(Class<T> type, T target, After after) {
        InvocationHandler handler = (proxy, method, arguments) -> {
            try {
                return after.on(method.getName(), method.invoke(target, arguments));
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
        };
        return type.cast(Proxy.newProxyInstance(Statements.class.getClassLoader(), new Class<?>[] {type}, handler));
    }
}
