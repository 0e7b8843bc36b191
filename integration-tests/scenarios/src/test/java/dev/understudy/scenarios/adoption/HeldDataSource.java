package dev.understudy.scenarios.adoption;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.util.concurrent.atomic.AtomicReference;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A data source that tells when a connection has been given back: the SQL is done, and nothing of it has reached a cache. Thread-safe. */
public final class HeldDataSource {
    private final AtomicReference<@Nullable Runnable> afterClose = new AtomicReference<>();
    private final DataSource watched;

    /** Watches a data source. */
    public HeldDataSource(DataSource dataSource) {
        watched = proxy(
                DataSource.class,
                dataSource,
                (method, result) -> result instanceof Connection connection
                        ? proxy(Connection.class, connection, this::after)
                        : result);
    }

    /** The data source for the application. */
    public DataSource dataSource() {
        return watched;
    }

    /** Runs the hook after the next connection has been given back, on the thread that did it. */
    public void afterNext(Runnable hook) {
        afterClose.set(hook);
    }

    private @Nullable Object after(String method, @Nullable Object result) {
        Runnable hook = method.equals("close") ? afterClose.getAndSet(null) : null;
        if (hook != null) {
            hook.run();
        }
        return result;
    }

    private interface Then {
        @Nullable
        Object on(String method, @Nullable Object result);
    }

    private static <T> T proxy(Class<T> type, T target, Then then) {
        return type.cast(Proxy.newProxyInstance(
                HeldDataSource.class.getClassLoader(), new Class<?>[] {type}, (proxy, method, arguments) -> {
                    try {
                        return then.on(method.getName(), method.invoke(target, arguments));
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                }));
    }
}
