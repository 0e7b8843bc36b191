package dev.understudy.spi;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.model.Generation;
import dev.understudy.model.Position;
import dev.understudy.model.ShardKey;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One cache as one connection to an {@link InMemorySharedServer} sees it. Thread-safe. */
public final class InMemorySharedCache implements SharedCache {
    private final InMemorySharedReplica connection;
    private final String namespace;
    private final String name;
    private final int shards;
    private final List<AnnouncementListener> listeners = new CopyOnWriteArrayList<>();

    private final Object lock = new Object();

    /** The shards opened on the present connection, and their generations as this connection knows them. */
    @GuardedBy("lock")
    private final Map<Integer, Generation> open = new HashMap<>();

    @GuardedBy("lock")
    private long connections;

    InMemorySharedCache(InMemorySharedReplica connection, String namespace, String name, int shards) {
        this.connection = connection;
        this.namespace = namespace;
        this.name = name;
        this.shards = shards;
    }

    @Override
    public int shards() {
        return shards;
    }

    @Override
    public CompletionStage<List<@Nullable SharedEntry>> read(List<ShardKey> keys) {
        return stage(() -> {
            keys.forEach(key -> requireOpened(key.shard()));
            List<@Nullable SharedEntry> entries =
                    new ArrayList<>(connection.server().read(namespace, name, keys));
            for (int i = 0; i < keys.size(); i++) {
                SharedEntry entry = entries.get(i);
                if (entry != null && !entry.pending() && !entry.generation().equals(generation(keys.get(i)))) {
                    entries.set(i, null);
                }
            }
            return entries;
        });
    }

    private @Nullable Generation generation(ShardKey key) {
        synchronized (lock) {
            return open.get(key.shard());
        }
    }

    @Override
    public <R> CompletionStage<R> submit(SharedCommand<R> command) {
        return stage(() -> {
            boolean opens = command instanceof SharedCommand.Open;
            long present = opens ? presentConnection() : requireOpened(command.shard());
            @SuppressWarnings("unchecked") // the reply's type is that of the command
            R reply = (R) connection.server().run(namespace, name, command);
            synchronized (lock) {
                if (present == connections && (opens || command instanceof SharedCommand.Distrust)) {
                    open.put(command.shard(), ((ShardPosition) reply).position().generation());
                }
            }
            return reply;
        });
    }

    @Override
    public CompletionStage<List<ShardPosition>> positions() {
        return stage(() -> connection.server().positions(namespace, name).stream()
                .map(each -> isOpen(each.shard()) ? each : new ShardPosition(each.shard(), Position.NONE))
                .toList());
    }

    @Override
    public CompletionStage<List<Long>> pending() {
        return stage(() -> connection.server().pending(namespace, name));
    }

    @Override
    public Subscription subscribe(AnnouncementListener listener) {
        listeners.add(listener);
        connection.subscribed(this, listener);
        return () -> listeners.remove(listener);
    }

    boolean isOf(String ofNamespace, String ofName) {
        return namespace.equals(ofNamespace) && name.equals(ofName);
    }

    List<AnnouncementListener> listeners() {
        return listeners;
    }

    void closeShards() {
        synchronized (lock) {
            open.clear();
            connections++;
        }
    }

    private long presentConnection() {
        synchronized (lock) {
            return connections;
        }
    }

    private boolean isOpen(int shard) {
        synchronized (lock) {
            return open.containsKey(shard);
        }
    }

    private long requireOpened(int shard) {
        synchronized (lock) {
            if (!open.containsKey(shard)) {
                throw new GenerationChanged(shard);
            }
            return connections;
        }
    }

    private <R> CompletionStage<R> stage(Supplier<R> work) {
        CompletableFuture<R> stage;
        try {
            connection.requireOpen();
            connection.server().requireReachable();
            stage = CompletableFuture.completedFuture(work.get());
        } catch (SharedReplicaFailure | GenerationChanged e) {
            stage = CompletableFuture.failedFuture(e);
        }
        connection.server().deliver();
        return stage;
    }
}
