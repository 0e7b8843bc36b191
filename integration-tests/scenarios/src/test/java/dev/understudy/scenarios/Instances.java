package dev.understudy.scenarios;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.understudy.CachedRepository;
import dev.understudy.RepositoryBuilder;
import dev.understudy.Understudy;
import dev.understudy.adapters.postgres.PostgresPrimary;
import dev.understudy.adapters.redis.Redis;
import dev.understudy.model.Versioning;
import dev.understudy.servers.ChildJvm;
import dev.understudy.servers.PostgresServer;
import dev.understudy.servers.Servers;
import dev.understudy.spi.PrimaryStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * Instances of the library on the JVM's servers, with a database and a namespace of each test's own, and the check after every test: nothing
 * is pending, the conservation equation holds, the copies of every touched key are equal, no thread and no connection is left. Not
 * thread-safe.
 */
final class Instances implements BeforeEachCallback, AfterEachCallback {
    /** Shards of every repository, few so that keys share them. */
    static final int SHARDS = 8;
    /** The staleness bound of every near replica. */
    static final Duration MAX_STALENESS = Duration.ofSeconds(2);

    private final Map<String, Set<Object>> touched = new ConcurrentHashMap<>();
    private final Map<String, PrimaryStore<?, ?>> stores = new LinkedHashMap<>();
    private final List<Instance> running = new ArrayList<>();
    private final List<AutoCloseable> cleanUp = new ArrayList<>();
    private final List<Runnable> atEnd = new ArrayList<>();
    private String namespace = "";
    private String jdbcUrl = "";
    private String redisUri = "";
    private long ackedElsewhere;
    private boolean mayBePending;
    private Duration agreement = Duration.ofSeconds(20);

    @Override
    public void beforeEach(ExtensionContext context) {
        String id = UUID.randomUUID().toString().substring(0, 8);
        namespace = "t" + id;
        redisUri = Servers.shared().redis().uri();
        jdbcUrl = Servers.shared().postgres().createDatabase("scenario");
    }

    /** A database's own SQL. */
    Sql sql() {
        return new Sql(jdbcUrl);
    }

    String jdbcUrl() {
        return jdbcUrl;
    }

    String namespace() {
        return namespace;
    }

    String redisUri() {
        return redisUri;
    }

    /** Has the test use another PostgreSQL, with a database of its own there. */
    void postgres(PostgresServer server) {
        jdbcUrl = server.createDatabase("scenario");
    }

    /** Has instances from now on use another Redis. */
    void redisUri(String uri) {
        redisUri = uri;
    }

    /** Creates the table of {@link Item} with what that versioning needs, and the library's tables. */
    void createItems(Versioning versioning) {
        sql().run("CREATE TABLE item (id bigint PRIMARY KEY, name text NOT NULL, amount bigint NOT NULL)");
        install(Item.table(versioning).migrationSql());
    }

    /** Runs a migration and creates the library's tables. */
    void install(String migration) {
        if (!migration.isEmpty()) {
            sql().run(migration);
        }
        PostgresPrimary primary = PostgresPrimary.on(dataSource()).build();
        primary.install();
        primary.close();
    }

    private PGSimpleDataSource dataSource() {
        PGSimpleDataSource dataSource = new PGSimpleDataSource();
        dataSource.setUrl(jdbcUrl);
        return dataSource;
    }

    /** Another instance, without repositories. */
    Instance open() {
        return open(jdbcUrl);
    }

    /** Another instance that reaches Postgres by that URL. */
    Instance open(String url) {
        return open(url, builder -> {});
    }

    /** Another instance with more settings. */
    Instance open(String url, Consumer<Understudy.Builder> more) {
        return open(url, Instance.CONNECTIONS, more);
    }

    /** Another instance with a pool of that many connections. */
    Instance open(int connections) {
        return open(jdbcUrl, connections, builder -> {});
    }

    private Instance open(String url, int connections, Consumer<Understudy.Builder> more) {
        Instance instance = new Instance(
                namespace,
                redis(),
                url,
                connections,
                name -> touched.computeIfAbsent(name, n -> ConcurrentHashMap.newKeySet()),
                more);
        running.add(instance);
        return instance;
    }

    private Redis redis() {
        return Redis.at(redisUri).connectTimeout(Duration.ofSeconds(30));
    }

    /** A repository of items with this module's usual settings; write-back where the versioning allows it. */
    CachedRepository<Long, Item> items(Instance instance, Versioning versioning) {
        return items(instance, versioning, settings -> {});
    }

    /** The same with more settings. */
    CachedRepository<Long, Item> items(
            Instance instance, Versioning versioning, Consumer<RepositoryBuilder<Long, Item>> more) {
        return repository(instance, Item.table(versioning), settings -> {
            if (versioning.isVersioned()) {
                settings.allowWriteBack(back -> {});
            }
            more.accept(settings);
        });
    }

    /** A repository with few shards and a short staleness bound. */
    <K, V> CachedRepository<K, V> repository(
            Instance instance, PrimaryStore<K, V> store, Consumer<RepositoryBuilder<K, V>> more) {
        stores.putIfAbsent(store.name(), store);
        return instance.repository(store, settings -> {
            usual(settings);
            more.accept(settings);
        });
    }

    static void usual(RepositoryBuilder<?, ?> settings) {
        settings.shared(shared -> shared.shards(SHARDS)).near(near -> near.maxStaleness(MAX_STALENESS));
    }

    /** Has a child JVM use this test's database and namespace. */
    ChildJvm child(Class<?> main, String... arguments) {
        ChildJvm child = ChildJvm.builder(main)
                .options("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m")
                .property("scenario.namespace", namespace)
                .property("scenario.redis", redisUri)
                .property("scenario.jdbc", jdbcUrl)
                .arguments(arguments)
                .start();
        cleanUp.add(child);
        return child;
    }

    /** Something to close after the check. */
    <C extends AutoCloseable> C closing(C resource) {
        cleanUp.add(resource);
        return resource;
    }

    /** Something to do after everything is closed. */
    void atEnd(Runnable work) {
        atEnd.add(work);
    }

    /** Closes an instance before the end of the test; answers how many entries are pending, if that is known. */
    OptionalLong close(Instance instance, Duration timeout) {
        running.remove(instance);
        ackedElsewhere += backWrites(instance);
        return instance.close(timeout);
    }

    /** Write-backs were acknowledged by processes that do not count here any more. */
    void ackedElsewhere(long writes) {
        ackedElsewhere += writes;
    }

    /** Keys that somebody else touched. */
    void touched(String repository, Set<?> keys) {
        touched.computeIfAbsent(repository, n -> ConcurrentHashMap.newKeySet()).addAll(keys);
    }

    /** The test ends with pending writes, and means it. */
    void mayBePending() {
        mayBePending = true;
    }

    /** The copies agree only after that time: a writer died, and its marker must expire. */
    void agreeWithin(Duration limit) {
        agreement = limit;
    }

    @Override
    public void afterEach(ExtensionContext context) throws Exception {
        try {
            if (context.getExecutionException().isEmpty()) {
                check();
            }
        } finally {
            closeAll();
        }
        await("no thread is left")
                .atMost(Duration.ofSeconds(5))
                .untilAsserted(() -> assertThat(threadsOfTheLibrary()).isEmpty());
    }

    private void closeAll() throws Exception {
        for (Instance instance : running) {
            instance.close(Duration.ofSeconds(1));
        }
        for (int i = cleanUp.size() - 1; i >= 0; i--) {
            cleanUp.get(i).close();
        }
        atEnd.forEach(Runnable::run);
    }

    private static List<String> threadsOfTheLibrary() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("understudy-") || name.startsWith("lettuce-"))
                .toList();
    }

    private void check() {
        if (stores.isEmpty()) {
            return;
        }
        for (Instance instance : running) {
            await("no connection is held")
                    .atMost(Duration.ofSeconds(5))
                    .untilAsserted(
                            () -> assertThat(instance.activeConnections()).isZero());
        }
        try (Instance observer = new Instance(
                namespace,
                redis(),
                jdbcUrl,
                name -> touched.computeIfAbsent(name, n -> ConcurrentHashMap.newKeySet()))) {
            for (PrimaryStore<?, ?> store : stores.values()) {
                Copies.of(store, observer, running, touched.getOrDefault(store.name(), Set.of()))
                        .check(mayBePending, agreement, ackedElsewhere + backWrites(store.name()));
            }
        }
    }

    private long backWrites(String repository) {
        long sum = 0;
        for (Instance instance : running) {
            CachedRepository<?, ?> one = instance.repositories().get(repository);
            sum += one == null ? 0 : one.counters().backWrites.sum();
        }
        return sum;
    }

    private static long backWrites(Instance instance) {
        return instance.repositories().values().stream()
                .mapToLong(one -> one.counters().backWrites.sum())
                .sum();
    }
}
