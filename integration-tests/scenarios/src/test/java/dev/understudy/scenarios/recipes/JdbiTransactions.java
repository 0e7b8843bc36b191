package dev.understudy.scenarios.recipes;

import dev.understudy.Participation;
import dev.understudy.Understudy;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/** Jdbi's transactions with the library's part in each. Stateless. */
public final class JdbiTransactions {
    private JdbiTransactions() {}

    /** What is done inside the transaction. */
    @FunctionalInterface
    public interface Work {
        void in(Handle handle, Participation participation) throws Exception;
    }

    /** Runs the work in one transaction. */
    public static void run(Jdbi jdbi, Understudy understudy, Work work) throws Exception {
        jdbi.useHandle(handle -> {
            AtomicBoolean isTold = new AtomicBoolean();
            Participation participation = null;
            handle.begin();
            try {
                Participation part = understudy.participate(handle.getConnection());
                participation = part;
                handle.afterCommit(() -> {
                    isTold.set(true);
                    part.afterCommit();
                });
                handle.afterRollback(() -> {
                    isTold.set(true);
                    part.afterRollback();
                });
                work.in(handle, part);
                part.beforeCommit();
                handle.commit();
            } catch (Exception e) {
                if (handle.isInTransaction()) {
                    handle.rollback();
                }
                throw e;
            } finally {
                if (participation != null && !isTold.get()) {
                    participation.afterUnknown(); // neither came through: the connection was lost
                }
            }
        });
    }
}
