package dev.understudy;

import dev.understudy.model.Version;
import dev.understudy.model.Versioning;
import dev.understudy.spi.Change;
import dev.understudy.spi.Clock;
import dev.understudy.spi.FaultySharedReplica;
import dev.understudy.spi.InMemoryCodec;
import dev.understudy.spi.InMemoryNearReplica;
import dev.understudy.spi.InMemoryPrimary;
import dev.understudy.spi.InMemorySharedReplica;
import dev.understudy.spi.InMemorySharedServer;
import dev.understudy.spi.InMemoryStore;
import dev.understudy.spi.Item;
import dev.understudy.spi.Primary;
import dev.understudy.spi.PrimaryConnection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

/** Several instances in this process over one shared replica and one primary in memory. Not thread-safe. */
final class Cluster implements AutoCloseable {
    final InMemorySharedServer server = new InMemorySharedServer(Clock.SYSTEM);
    final InMemoryPrimary primary = new InMemoryPrimary();
    final Versioning versioning;
    private final UnaryOperator<InMemoryStore<Long, Item>> storeOptions;
    private final List<Node> nodes = new ArrayList<>();

    /** One instance with its connection and repository. */
    static final class Node {
        final Understudy understudy;
        final CachedRepository<Long, Item> items;
        final InMemorySharedReplica connection;
        final FaultySharedReplica faults;

        Node(
                Understudy understudy,
                CachedRepository<Long, Item> items,
                InMemorySharedReplica connection,
                FaultySharedReplica faults) {
            this.understudy = understudy;
            this.items = items;
            this.connection = connection;
            this.faults = faults;
        }
    }

    Cluster(Versioning versioning) {
        this(versioning, store -> store);
    }

    Cluster(Versioning versioning, UnaryOperator<InMemoryStore<Long, Item>> storeOptions) {
        this.versioning = versioning;
        this.storeOptions = storeOptions;
    }

    /** Starts an instance that allows write-back where the versioning does. */
    Node start() {
        return start(repository -> {
            if (versioning.isVersioned()) {
                repository.allowWriteBack(back -> back.delay(Duration.ofMillis(10)));
            }
        });
    }

    /** Starts an instance whose drain does nothing until it is resumed. */
    Node startPaused() {
        Node node = start();
        node.items.pauseDrain();
        return node;
    }

    Node start(Consumer<RepositoryBuilder<Long, Item>> settings) {
        return start(settings, faults -> {});
    }

    /** Starts an instance whose shared replica has faults from the beginning. */
    Node start(Consumer<RepositoryBuilder<Long, Item>> settings, Consumer<FaultySharedReplica> faulty) {
        InMemorySharedReplica connection = server.connect();
        FaultySharedReplica faults = new FaultySharedReplica(connection);
        faulty.accept(faults);
        Understudy understudy = Understudy.builder()
                .namespace("shop")
                .shared(() -> faults)
                .primary(() -> primary)
                .near(InMemoryNearReplica.factory())
                .codec(new InMemoryCodec())
                .build();
        RepositoryBuilder<Long, Item> builder = understudy.repository(
                storeOptions.apply(new InMemoryStore<>("item", Long.class, Item.class, versioning, Item::id)));
        builder.shared(shared -> shared.shards(4));
        settings.accept(builder);
        Node node = new Node(understudy, builder.build(), connection, faults);
        nodes.add(node);
        return node;
    }

    /** Locks the row 1, and as there is one lock all others, in a stranger's transaction. */
    void lockAll(PrimaryConnection connection) {
        new InMemoryStore<>("item", Long.class, Item.class, versioning, Item::id).lock(connection, List.of(1L));
    }

    /** Writes a row as somebody does who goes around the library. */
    void changeAround(Item item) {
        InMemoryStore<Long, Item> store = new InMemoryStore<>("item", Long.class, Item.class, versioning, Item::id);
        primary.call(
                Primary.Use.COMMIT,
                Duration.ofSeconds(5),
                connection -> store.apply(
                        connection,
                        List.of(new Change<>(item.id(), Optional.of(item), Version.UNVERSIONED, Change.Guard.NONE))));
    }

    @Override
    public void close() {
        nodes.forEach(node -> node.understudy.close(Duration.ofMillis(200)));
    }
}
