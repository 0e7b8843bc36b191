package dev.understudy.scenarios.recipes;

import dev.understudy.Participation;
import dev.understudy.Understudy;
import java.sql.SQLException;
import org.jooq.ConnectionProvider;
import org.jooq.TransactionContext;
import org.jooq.exception.DataAccessException;
import org.jooq.impl.DefaultTransactionProvider;
import org.jspecify.annotations.Nullable;

/**
 * jOOQ's transactions with the library's part in each; nested ones are savepoints of the outermost. A listener would not do: its {@code
 * commitEnd} is called for failed commits too. Thread-safe: a transaction stays on its thread.
 */
public final class JooqTransactions extends DefaultTransactionProvider {
    private final Understudy understudy;
    private final ThreadLocal<@Nullable Running> running = new ThreadLocal<>();

    private static final class Running {
        final Participation participation;
        int depth = 1;

        Running(Participation participation) {
            this.participation = participation;
        }
    }

    public JooqTransactions(ConnectionProvider connections, Understudy understudy) {
        super(connections);
        this.understudy = understudy;
    }

    /** The library's part in the transaction of this thread. */
    public Participation participation() {
        Running now = running.get();
        if (now == null) {
            throw new IllegalStateException("no transaction runs on this thread");
        }
        return now.participation;
    }

    @Override
    public void begin(TransactionContext context) {
        super.begin(context);
        Running outer = running.get();
        if (outer != null) {
            outer.depth++;
            return;
        }
        context.configuration()
                .dsl()
                .connection(connection -> running.set(new Running(understudy.participate(connection))));
    }

    @Override
    public void commit(TransactionContext context) {
        Running now = running.get();
        if (now == null || now.depth > 1) {
            super.commit(context);
            leave(now);
            return;
        }
        now.participation.beforeCommit();
        try {
            super.commit(context);
        } catch (DataAccessException e) {
            if (isUnknown(e)) {
                running.remove();
                now.participation.afterUnknown();
            }
            throw e;
        }
        running.remove();
        now.participation.afterCommit();
    }

    @Override
    public void rollback(TransactionContext context) {
        Running now = running.get();
        if (now == null) {
            return; // the outcome has been told: what failed came after it
        }
        super.rollback(context);
        boolean isOutermost = now.depth == 1;
        leave(now);
        if (isOutermost) {
            now.participation.afterRollback();
        }
    }

    private void leave(@Nullable Running now) {
        if (now != null && --now.depth == 0) {
            running.remove();
        }
    }

    /** Whether the server itself has not said that it refused. */
    private static boolean isUnknown(DataAccessException e) {
        SQLException sql = e.getCause(SQLException.class);
        String state = sql == null || sql.getSQLState() == null ? "08" : sql.getSQLState();
        return state.startsWith("08") || state.startsWith("57P");
    }
}
