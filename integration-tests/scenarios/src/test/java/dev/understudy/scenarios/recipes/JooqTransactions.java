package dev.understudy.scenarios.recipes;

import dev.understudy.Participation;
import dev.understudy.Understudy;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicReference;
import org.jooq.Configuration;
import org.jooq.DSLContext;
import org.jooq.exception.DataAccessException;
import org.jspecify.annotations.Nullable;

/**
 * jOOQ's transactions with the library's part in each; nested ones are savepoints, and part of the outermost. A {@code TransactionListener}
 * would not do: its {@code commitEnd} is called for failed commits too. Stateless.
 */
public final class JooqTransactions {
    private JooqTransactions() {}

    /** What is done inside the transaction. */
    @FunctionalInterface
    public interface Work {
        void in(Configuration configuration, Participation participation) throws Exception;
    }

    /** Runs the work in one transaction. */
    public static void run(DSLContext dsl, Understudy understudy, Work work) {
        AtomicReference<@Nullable Participation> part = new AtomicReference<>();
        try {
            dsl.transaction(configuration -> configuration.dsl().connection(connection -> {
                Participation participation = understudy.participate(connection);
                part.set(participation);
                work.in(configuration, participation);
                participation.beforeCommit();
            }));
        } catch (RuntimeException e) {
            Participation begun = part.get();
            if (begun != null && isUnknown(e)) {
                begun.afterUnknown();
            } else if (begun != null) {
                begun.afterRollback();
            }
            throw e;
        }
        Participation committed = part.get();
        if (committed != null) {
            committed.afterCommit();
        }
    }

    /** Whether the server itself has not said that it refused. */
    private static boolean isUnknown(RuntimeException e) {
        if (!(e instanceof DataAccessException access)) {
            return false;
        }
        SQLException sql = access.getCause(SQLException.class);
        String state = sql == null || sql.getSQLState() == null ? "08" : sql.getSQLState();
        return state.startsWith("08") || state.startsWith("57P");
    }
}
