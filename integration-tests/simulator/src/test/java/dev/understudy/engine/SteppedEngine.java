package dev.understudy.engine;

import dev.understudy.spi.PrimaryStore;

/** An engine whose drain is stepped by its owner instead of a thread of its own. Thread-safe. */
public final class SteppedEngine<K, V> {
    private final CacheEngine<K, V> engine;

    /** Starts an engine without a drain thread. */
    public SteppedEngine(CacheEngine.Instance instance, PrimaryStore<K, V> store, RepositorySettings settings) {
        this.engine = new CacheEngine<>(instance, store, settings, Runnable::run);
        engine.startStepped();
    }

    /** The engine. */
    public CacheEngine<K, V> engine() {
        return engine;
    }

    /** One round of the drain; answers whether there is more to do at once. */
    public boolean stepDrain() {
        return engine.stepDrain();
    }
}
