package dev.understudy.servers;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.postgresql.core.BaseConnection;
import org.slf4j.LoggerFactory;

/**
 * What a transaction pooler is to its clients: a few server sessions, of which each transaction gets another, with nothing
 * left of what was there before ({@code DISCARD ALL}, in a way that the driver does not notice). Thread-safe.
 */
public final class SwitchingDataSource implements DataSource, AutoCloseable {
    private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(SwitchingDataSource.class);

    private final DataSource server;
    private final Deque<Connection> sessions = new ArrayDeque<>();
    private final AtomicLong lent = new AtomicLong();

    /** Switches between sessions of that server; they end with the JVM or with {@link #close}. */
    public SwitchingDataSource(DataSource server) {
        this.server = server;
    }

    /** How often a session was lent. */
    public long lent() {
        return lent.get();
    }

    /** Ends the sessions that nobody has. */
    @Override
    public void close() {
        synchronized (sessions) {
            while (!sessions.isEmpty()) {
                end(sessions.remove());
            }
        }
    }

    @Override
    public Connection getConnection() throws SQLException {
        lent.incrementAndGet();
        Connection session = forgetful();
        return (Connection) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Connection.class}, (proxy, method, arguments) -> {
                    if (method.getName().equals("close")) {
                        if (!session.isClosed()) {
                            synchronized (sessions) {
                                sessions.add(session);
                            }
                        }
                        return null;
                    }
                    try {
                        return method.invoke(session, arguments);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    /** Another session than the last one; as a pooler does, one that is broken is given up. */
    private Connection forgetful() throws SQLException {
        while (true) {
            Connection used;
            synchronized (sessions) {
                // The least recently used: never the one that this client had before.
                used = sessions.size() > 2 ? sessions.poll() : null;
            }
            if (used == null) {
                Connection fresh = server.getConnection();
                forget(fresh);
                return fresh;
            }
            try {
                forget(used);
                return used;
            } catch (SQLException e) {
                LOG.debug("a session of the pooler is broken: {}", e.getMessage());
                end(used);
            }
        }
    }

    private static void end(Connection session) {
        try {
            session.close();
        } catch (SQLException e) {
            LOG.debug("a session of the pooler failed to close: {}", e.getMessage());
        }
    }

    private static void forget(Connection session) throws SQLException {
        session.setAutoCommit(true);
        // A pooler does it behind the driver's back.
        session.unwrap(BaseConnection.class).setFlushCacheOnDeallocate(false);
        try (Statement statement = session.createStatement()) {
            statement.execute("DISCARD ALL");
        }
    }

    @Override
    public Connection getConnection(String user, String password) throws SQLException {
        throw new SQLFeatureNotSupportedException();
    }

    @Override
    public PrintWriter getLogWriter() throws SQLException {
        throw new SQLFeatureNotSupportedException();
    }

    @Override
    public void setLogWriter(PrintWriter out) {}

    @Override
    public void setLoginTimeout(int seconds) {}

    @Override
    public int getLoginTimeout() {
        return 0;
    }

    @Override
    public Logger getParentLogger() throws SQLFeatureNotSupportedException {
        throw new SQLFeatureNotSupportedException();
    }

    @Override
    public <T> T unwrap(Class<T> type) throws SQLException {
        throw new SQLException("not a " + type);
    }

    @Override
    public boolean isWrapperFor(Class<?> type) {
        return false;
    }
}
