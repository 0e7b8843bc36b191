package dev.understudy.scenarios.recipes;

import dev.understudy.Participation;
import dev.understudy.Understudy;
import jakarta.transaction.Status;
import jakarta.transaction.Synchronization;
import jakarta.transaction.TransactionSynchronizationRegistry;
import java.sql.Connection;

/** The library's part in the transaction that a container or a JTA implementation runs on this thread. Thread-safe. */
public final class JtaTransactions {
    private final TransactionSynchronizationRegistry registry;
    private final Understudy understudy;

    public JtaTransactions(TransactionSynchronizationRegistry registry, Understudy understudy) {
        this.registry = registry;
        this.understudy = understudy;
    }

    /** The part in the current transaction, one for each; the connection must be enlisted in it. */
    public Participation participation(Connection connection) {
        if (registry.getResource(this) instanceof Participation present) {
            return present;
        }
        Participation participation = understudy.participate(connection);
        registry.putResource(this, participation);
        // Interposed: after the application's own, so that what these write is covered.
        registry.registerInterposedSynchronization(new Synchronization() {
            @Override
            public void beforeCompletion() {
                participation.beforeCommit();
            }

            @Override
            public void afterCompletion(int status) {
                switch (status) {
                    case Status.STATUS_COMMITTED -> participation.afterCommit();
                    case Status.STATUS_ROLLEDBACK -> participation.afterRollback();
                    default -> participation.afterUnknown();
                }
            }
        });
        return participation;
    }
}
