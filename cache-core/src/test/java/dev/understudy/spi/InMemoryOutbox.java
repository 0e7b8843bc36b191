package dev.understudy.spi;

import dev.understudy.model.Version;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/** The outbox's twin in memory: notes as rows of the primary's twin. Thread-safe. */
final class InMemoryOutbox implements Outbox {
    private static final String NOTES = "us_invalidation/";

    private final AtomicLong ids = new AtomicLong();

    @Override
    public Optional<String> whyNot(PrimaryConnection connection) {
        return Optional.empty();
    }

    @Override
    public void record(PrimaryConnection connection, String cache, Map<String, Version> changed) {
        changed.forEach((key, version) -> put(connection, cache, new Missed(key, version, false)));
    }

    @Override
    public void recordAll(PrimaryConnection connection, String cache) {
        put(connection, cache, new Missed("", Version.UNKNOWN, true));
    }

    private void put(PrimaryConnection connection, String cache, Missed note) {
        InMemoryTransaction.of(connection).put(NOTES + cache, ids.incrementAndGet(), note);
    }

    @Override
    public boolean hasAny(PrimaryConnection connection, String cache) {
        return !InMemoryTransaction.of(connection).all(NOTES + cache).isEmpty();
    }

    /** {@inheritDoc} Writers are serial, so there is always a wait. */
    @Override
    public List<Missed> take(PrimaryConnection connection, String cache, int limit, boolean waits) {
        InMemoryTransaction transaction = InMemoryTransaction.of(connection);
        transaction.lock(NOTES + cache, "all");
        List<Missed> taken = new ArrayList<>();
        for (Map.Entry<Object, Object> note : transaction.all(NOTES + cache).entrySet()) {
            if (taken.size() < limit) {
                taken.add((Missed) note.getValue());
                transaction.remove(NOTES + cache, note.getKey());
            }
        }
        return taken;
    }
}
