package dev.understudy.scenarios.recipes;

import jakarta.transaction.Status;
import jakarta.transaction.Synchronization;
import jakarta.transaction.TransactionSynchronizationRegistry;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** As much of a JTA implementation as one local transaction needs. Confined to one thread. */
public final class LocalRegistry implements TransactionSynchronizationRegistry {
    private final Connection connection;
    private final Map<Object, Object> resources = new HashMap<>();
    private final List<Synchronization> interposed = new ArrayList<>();
    private int status = Status.STATUS_ACTIVE;
    private boolean isRollbackOnly;

    public LocalRegistry(Connection connection) {
        this.connection = connection;
    }

    /** Ends the transaction; answers whether it was committed. */
    public boolean commit() throws SQLException {
        try {
            interposed.forEach(Synchronization::beforeCompletion);
        } catch (RuntimeException e) {
            isRollbackOnly = true;
        }
        try {
            if (isRollbackOnly) {
                connection.rollback();
            } else {
                connection.commit();
            }
            status = isRollbackOnly ? Status.STATUS_ROLLEDBACK : Status.STATUS_COMMITTED;
        } catch (SQLException e) {
            boolean isLost = e.getSQLState() == null || e.getSQLState().startsWith("08");
            status = isLost ? Status.STATUS_UNKNOWN : Status.STATUS_ROLLEDBACK;
        }
        interposed.forEach(one -> one.afterCompletion(status));
        return status == Status.STATUS_COMMITTED;
    }

    @Override
    public Object getTransactionKey() {
        return this;
    }

    @Override
    public void putResource(Object key, Object value) {
        resources.put(key, value);
    }

    @Override
    public @Nullable Object getResource(Object key) {
        return resources.get(key);
    }

    @Override
    public void registerInterposedSynchronization(Synchronization synchronization) {
        interposed.add(synchronization);
    }

    @Override
    public int getTransactionStatus() {
        return status;
    }

    @Override
    public void setRollbackOnly() {
        isRollbackOnly = true;
    }

    @Override
    public boolean getRollbackOnly() {
        return isRollbackOnly;
    }
}
