package dev.understudy.scenarios;

import dev.understudy.spi.Applied;
import dev.understudy.spi.Change;
import dev.understudy.spi.ForwardingStore;
import dev.understudy.spi.PrimaryConnection;
import dev.understudy.spi.PrimaryStore;
import dev.understudy.spi.Row;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A store that takes note of every key whose row is asked for or written and can hold the next load after its SELECT, or the next change after its SQL. Thread-safe. */
final class HookedStore<K, V> extends ForwardingStore<K, V> {
    private final Set<K> touched;
    private final AtomicReference<@Nullable Gate> afterLoad = new AtomicReference<>();
    private final AtomicReference<@Nullable Gate> afterApply = new AtomicReference<>();

    HookedStore(PrimaryStore<K, V> store, Set<K> touched) {
        super(store);
        this.touched = touched;
    }

    /** The next load waits here with what it has read. */
    Gate holdNextLoad() {
        Gate gate = new Gate();
        afterLoad.set(gate);
        return gate;
    }

    /** The next change waits here with its SQL done. */
    Gate holdNextApply() {
        Gate gate = new Gate();
        afterApply.set(gate);
        return gate;
    }

    private static void pass(AtomicReference<@Nullable Gate> hook) {
        Gate gate = hook.getAndSet(null);
        if (gate != null) {
            gate.pass();
        }
    }

    @Override
    public Map<K, Row<V>> load(PrimaryConnection connection, Collection<K> keys) throws Exception {
        touched.addAll(keys);
        Map<K, Row<V>> rows = super.load(connection, keys);
        pass(afterLoad);
        return rows;
    }

    @Override
    public Map<K, Row<V>> lock(PrimaryConnection connection, Collection<K> keys) throws Exception {
        touched.addAll(keys);
        return super.lock(connection, keys);
    }

    @Override
    public Map<K, Applied<V>> apply(PrimaryConnection connection, List<Change<K, V>> changes) throws Exception {
        changes.forEach(change -> touched.add(change.key()));
        Map<K, Applied<V>> applied = super.apply(connection, changes);
        pass(afterApply);
        return applied;
    }
}
