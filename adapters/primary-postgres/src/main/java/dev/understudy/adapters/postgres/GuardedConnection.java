package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.Savepoint;
import org.jspecify.annotations.Nullable;

/**
 * A JDBC connection as lent to stores and callers: everything works but ending the transaction, which belongs to the
 * library. {@code close()} does nothing. Confined to one thread, as the connection is.
 */
final class GuardedConnection implements InvocationHandler {
    private final Connection connection;

    private GuardedConnection(Connection connection) {
        this.connection = connection;
    }

    static Connection of(Connection connection) {
        return (Connection) Proxy.newProxyInstance(
                GuardedConnection.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                new GuardedConnection(connection));
    }

    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) throws Throwable {
        switch (method.getName()) {
            case "close":
                return null;
            case "commit", "abort", "setTransactionIsolation", "setReadOnly", "setNetworkTimeout":
                throw refusal(method);
            case "rollback":
                if (arguments == null || !(arguments[0] instanceof Savepoint)) {
                    throw refusal(method);
                }
                break;
            case "setAutoCommit":
                if (arguments == null || !Boolean.FALSE.equals(arguments[0])) {
                    throw refusal(method);
                }
                break;
            case "equals":
                return arguments != null && proxy == arguments[0];
            case "hashCode":
                return System.identityHashCode(proxy);
            default:
        }
        try {
            return method.invoke(connection, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause() == null ? e : e.getCause();
        }
    }

    private static Invalid refusal(Method method) {
        return new Invalid("Connection." + method.getName() + " is not allowed here: the transaction is the library's");
    }
}
