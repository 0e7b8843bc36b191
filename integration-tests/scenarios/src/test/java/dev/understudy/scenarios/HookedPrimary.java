package dev.understudy.scenarios;

import dev.understudy.spi.ForwardingPrimary;
import dev.understudy.spi.Primary;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** A primary whose next transaction of a use can be held before it begins, just before its commit or just after it. Thread-safe. */
final class HookedPrimary extends ForwardingPrimary {
    private final Map<Use, AtomicReference<@Nullable Gate>> beforeBegin = gates();
    private final Map<Use, AtomicReference<@Nullable Gate>> beforeCommit = gates();
    private final Map<Use, AtomicReference<@Nullable Gate>> afterCommit = gates();

    HookedPrimary(Primary primary) {
        super(primary);
    }

    private static Map<Use, AtomicReference<@Nullable Gate>> gates() {
        Map<Use, AtomicReference<@Nullable Gate>> gates = new EnumMap<>(Use.class);
        for (Use use : Use.values()) {
            gates.put(use, new AtomicReference<>());
        }
        return gates;
    }

    /** The next transaction of that use waits here, before it has a connection. */
    Gate holdNextBegin(Use use) {
        Gate gate = new Gate();
        at(beforeBegin, use).set(gate);
        return gate;
    }

    /** The next transaction of that use waits here with all its statements done. */
    Gate holdNextCommit(Use use) {
        Gate gate = new Gate();
        at(beforeCommit, use).set(gate);
        return gate;
    }

    /** The next transaction of that use waits here, committed, before anybody is told. */
    Gate holdAfterNextCommit(Use use) {
        Gate gate = new Gate();
        at(afterCommit, use).set(gate);
        return gate;
    }

    private static AtomicReference<@Nullable Gate> at(Map<Use, AtomicReference<@Nullable Gate>> gates, Use use) {
        AtomicReference<@Nullable Gate> gate = gates.get(use);
        if (gate == null) {
            throw new IllegalStateException("no gate for " + use);
        }
        return gate;
    }

    private static void pass(AtomicReference<@Nullable Gate> hook) {
        Gate gate = hook.getAndSet(null);
        if (gate != null) {
            gate.pass();
        }
    }

    @Override
    public <T> T call(Use use, Duration timeout, Work<T> work) {
        pass(at(beforeBegin, use));
        T result = super.call(use, timeout, connection -> {
            T answer = work.on(connection);
            pass(at(beforeCommit, use));
            return answer;
        });
        pass(at(afterCommit, use));
        return result;
    }
}
