package dev.understudy;

import dev.understudy.engine.CacheEngine;
import dev.understudy.model.Invalid;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryFailure;
import java.time.Duration;
import java.util.Collection;
import java.util.Set;

/**
 * A part in somebody else's transaction. Confined to the thread that runs it.
 *
 * <p>Open until one of the three outcomes is told; what is told later is refused, so that no outcome is told twice.
 */
final class EngineParticipation implements Participation, EngineTransaction.Runner {
    private final Primary primary;
    private final Object connection;
    private final Duration timeout;
    private final EngineTransaction transaction;
    private boolean isOver;

    EngineParticipation(Primary primary, Object connection, Set<CacheEngine<?, ?>> known, Duration timeout) {
        this.primary = primary;
        this.connection = connection;
        this.timeout = timeout;
        this.transaction = new EngineTransaction(this, known, timeout);
        transaction.lent();
    }

    @Override
    public <T> T run(Primary.Work<T> work) {
        try {
            return primary.join(connection, timeout, work);
        } catch (PrimaryFailure e) {
            throw CacheEngine.translated(e);
        }
    }

    @Override
    public <K, V> TransactionRepository<K, V> on(CachedRepository<K, V> repository) {
        requireOpen();
        return transaction.on(repository);
    }

    @Override
    public <K, V> void changed(CachedRepository<K, V> repository, Collection<K> keys) {
        requireOpen();
        transaction.changed(repository, keys);
    }

    @Override
    public void changedAll(CachedRepository<?, ?> repository) {
        requireOpen();
        transaction.changedAll(repository);
    }

    @Override
    public void beforeCommit() {
        requireOpen();
        transaction.beforeCommit();
    }

    @Override
    public void afterCommit() {
        end();
        transaction.committed();
    }

    @Override
    public void afterRollback() {
        end();
        transaction.rolledBack();
    }

    @Override
    public void afterUnknown() {
        end();
        transaction.unknown();
    }

    private void end() {
        requireOpen();
        isOver = true;
    }

    private void requireOpen() {
        if (isOver) {
            throw new Invalid("the transaction's outcome has been told already");
        }
    }
}
