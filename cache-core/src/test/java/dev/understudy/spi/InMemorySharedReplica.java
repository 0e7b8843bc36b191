package dev.understudy.spi;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.model.Ack;
import dev.understudy.model.Invalid;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * One instance's connection to an {@link InMemorySharedServer}. Commands run on the calling thread and their stages are
 * complete when returned. Announcements are delivered before the command that caused them returns, unless they are held back
 * or dropped here. Thread-safe.
 */
public final class InMemorySharedReplica implements SharedReplica {
    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_-]*");

    private final InMemorySharedServer server;
    private final Object lock = new Object();

    private record Event(
            InMemorySharedCache cache, AnnouncementListener listener, Consumer<AnnouncementListener> call) {}

    @GuardedBy("lock")
    private final List<InMemorySharedCache> caches = new ArrayList<>();

    @GuardedBy("lock")
    private final Deque<Event> events = new ArrayDeque<>();

    @GuardedBy("lock")
    private boolean delivering;

    @GuardedBy("lock")
    private boolean holding;

    @GuardedBy("lock")
    private boolean dropping;

    @GuardedBy("lock")
    private boolean closed;

    /** The only connection to a server of its own. */
    public static InMemorySharedReplica alone(Clock clock) {
        return new InMemorySharedServer(clock).connect();
    }

    InMemorySharedReplica(InMemorySharedServer server) {
        this.server = server;
    }

    /** The server behind the connection. */
    public InMemorySharedServer server() {
        return server;
    }

    @Override
    public InMemorySharedCache cache(String namespace, String cache, int shards) {
        requireName("namespace", namespace);
        requireName("cache", cache);
        if (shards < 1 || shards > 4096) {
            throw new Invalid("shards " + shards + " is outside 1 to 4096");
        }
        requireOpen();
        server.requireReachableAtStart();
        server.attach(namespace, cache, shards);
        InMemorySharedCache attached = new InMemorySharedCache(this, namespace, cache, shards);
        synchronized (lock) {
            caches.add(attached);
        }
        return attached;
    }

    @Override
    public Optional<String> whyNot(Ack ack) {
        return server.whyNot(ack);
    }

    @Override
    public long serverId() {
        return server.era();
    }

    @Override
    public CompletionStage<Boolean> settle(Ack ack, Duration timeout, long expected) {
        try {
            requireOpen();
            server.requireReachable();
            return CompletableFuture.completedFuture(server.era() == expected);
        } catch (SharedReplicaFailure e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public CompletionStage<Long> clockMicros() {
        try {
            requireOpen();
            server.requireReachable();
            return CompletableFuture.completedFuture(server.micros());
        } catch (SharedReplicaFailure e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    /** Loses the connection and makes it again: shards are closed, announcements on their way are lost. */
    public void disconnect() {
        synchronized (lock) {
            events.clear();
            for (InMemorySharedCache cache : caches) {
                cache.closeShards();
                cache.listeners().forEach(listener -> interrupt(cache, listener));
            }
        }
        deliver();
    }

    /** Keeps announcements back from now on, as a slow network does. */
    public void holdAnnouncements() {
        synchronized (lock) {
            holding = true;
        }
    }

    /** Delivers what was held back, in order, and holds nothing back any more. */
    public void releaseAnnouncements() {
        synchronized (lock) {
            holding = false;
        }
        deliver();
    }

    /** Whether announcements are lost without a trace. */
    public void dropAnnouncements(boolean yes) {
        synchronized (lock) {
            dropping = yes;
        }
    }

    @Override
    public void close() {
        synchronized (lock) {
            closed = true;
            events.clear();
            caches.clear();
        }
        server.forget(this);
    }

    void requireOpen() {
        synchronized (lock) {
            if (closed) {
                throw new SharedReplicaFailure(
                        SharedReplicaFailure.Reason.NOT_SENT, "the connection to the shared replica is closed", null);
            }
        }
    }

    void arrived(String namespace, String cache, Consumer<AnnouncementListener> call) {
        synchronized (lock) {
            if (dropping) {
                return;
            }
            for (InMemorySharedCache each : caches) {
                if (each.isOf(namespace, cache)) {
                    for (AnnouncementListener listener : each.listeners()) {
                        events.add(new Event(each, listener, call));
                    }
                }
            }
        }
    }

    void subscribed(InMemorySharedCache cache, AnnouncementListener listener) {
        synchronized (lock) {
            interrupt(cache, listener);
        }
        deliver();
    }

    /** Tells listeners what has arrived, unless another thread is about it. */
    void deliver() {
        while (true) {
            Event event;
            synchronized (lock) {
                if (delivering || holding || events.isEmpty()) {
                    return;
                }
                event = events.remove();
                delivering = true;
            }
            try {
                if (event.cache().listeners().contains(event.listener())) {
                    event.call().accept(event.listener());
                }
            } finally {
                synchronized (lock) {
                    delivering = false;
                }
            }
        }
    }

    private void interrupt(InMemorySharedCache cache, AnnouncementListener listener) {
        synchronized (lock) {
            events.add(new Event(cache, listener, AnnouncementListener::interrupted));
        }
    }

    private static void requireName(String what, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new Invalid(what + " \"" + name + "\" is not of the form " + NAME);
        }
    }
}
