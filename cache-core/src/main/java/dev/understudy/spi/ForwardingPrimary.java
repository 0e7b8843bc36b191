package dev.understudy.spi;

import java.time.Duration;

/**
 * A primary that leaves everything to another one: the base of decorators, which override what they are for. Thread-safe if the other
 * primary is. Source: J. Bloch, "Effective Java", item 18 (forwarding).
 */
public abstract class ForwardingPrimary implements Primary {
    private final Primary primary;

    /** Forwards to that primary, which is closed with this one. */
    protected ForwardingPrimary(Primary primary) {
        this.primary = primary;
    }

    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        return primary.call(use, timeout, work);
    }

    @Override
    public <T> T join(Object connection, Duration timeout, Work<T> work) {
        return primary.join(connection, timeout, work);
    }

    @Override
    public void commitBefore(PrimaryConnection connection, long deadlineMicros) throws Exception {
        primary.commitBefore(connection, deadlineMicros);
    }

    @Override
    public void lockTimeout(PrimaryConnection connection, Duration timeout) {
        primary.lockTimeout(connection, timeout);
    }

    @Override
    public DrainLedger ledger() {
        return primary.ledger();
    }

    @Override
    public Outbox outbox() {
        return primary.outbox();
    }

    @Override
    public long clockMicros(PrimaryConnection connection) throws Exception {
        return primary.clockMicros(connection);
    }

    @Override
    public void verify() {
        primary.verify();
    }

    @Override
    public void close() {
        primary.close();
    }
}
