package dev.understudy.servers;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ContainerFetchException;
import org.testcontainers.containers.ContainerLaunchException;

/**
 * The one Redis and the one PostgreSQL that the tests of a JVM share. Each is started when first asked for, and ended with
 * the JVM. Thread-safe.
 *
 * <p>Which servers: those that {@value #REDIS} and {@value #POSTGRES} name, if set; else containers, if a Docker engine
 * answers; else embedded ones, whose programs are on the class path. A line on standard output and in the log says it. The
 * system property {@value #PREFER}, {@code embedded} or {@code containers}, takes the place of asking for an engine.
 *
 * <p>Tests share the servers by keeping to a Redis namespace and a database ({@link PostgresServer#createDatabase}) of
 * their own. A test that breaks its server starts one of its own: {@link RedisServer#builder()},
 * {@link PostgresServer#builder()}; such servers are always embedded.
 */
public final class Servers {
    /** System property: a Redis to use, {@code redis://[user:password@]host:port}. */
    public static final String REDIS = "understudy.redis";

    /** System property: a PostgreSQL to use, {@code jdbc:postgresql://host:port/database?user=...}. */
    public static final String POSTGRES = "understudy.postgres";

    /** System property: the {@code redis-server} program of embedded servers, such as one of Redis 8 or Valkey. */
    public static final String REDIS_BINARY = "understudy.redis.binary";

    /** System property: the folder above {@code bin} of the PostgreSQL programs of embedded servers. */
    public static final String POSTGRES_BINARIES = "understudy.postgres.binaries";

    /** System property: {@code embedded} or {@code containers}, whether or not a Docker engine answers. */
    public static final String PREFER = "understudy.servers";

    private static final Logger LOG = LoggerFactory.getLogger(Servers.class);
    private static final Servers SHARED = new Servers();

    @GuardedBy("this")
    private @Nullable Boolean containers;

    @GuardedBy("this")
    private boolean announced;

    @GuardedBy("this")
    private @Nullable RedisServer redis;

    @GuardedBy("this")
    private @Nullable PostgresServer postgres;

    private Servers() {}

    /** The servers of this JVM. */
    public static Servers shared() {
        return SHARED;
    }

    /** The shared Redis. */
    public synchronized RedisServer redis() {
        if (redis == null) {
            announce();
            String given = property(REDIS);
            redis = given != null
                    ? new GivenRedis(given)
                    : start(ContainerRedis::new, () -> RedisServer.builder().start());
        }
        return redis;
    }

    /** The shared PostgreSQL. */
    public synchronized PostgresServer postgres() {
        if (postgres == null) {
            announce();
            String given = property(POSTGRES);
            postgres = given != null
                    ? closedWithJvm(new GivenPostgres(given))
                    : start(
                            ContainerPostgres::new,
                            () -> PostgresServer.builder().start());
        }
        return postgres;
    }

    /** Which servers this JVM uses, such as {@code embedded Redis 7.0.15 and PostgreSQL 18.6}; starts none. */
    public synchronized String description() {
        String givenRedis = property(REDIS);
        String givenPostgres = property(POSTGRES);
        String first = givenRedis != null
                ? new GivenRedis(givenRedis).description()
                : inContainers() ? "containers " + ContainerRedis.IMAGE : "embedded " + EmbeddedRedis.product();
        String second = givenPostgres != null
                ? new GivenPostgres(givenPostgres).description()
                : inContainers() ? ContainerPostgres.IMAGE : EmbeddedPostgres.product();
        boolean sameOrigin = givenRedis == null && givenPostgres == null;
        String origin = sameOrigin || givenPostgres != null ? "" : inContainers() ? "container " : "embedded ";
        return first + " and " + origin + second;
    }

    @GuardedBy("this")
    private void announce() {
        if (!announced) {
            announced = true;
            LOG.info("servers: {}", description());
        }
    }

    @GuardedBy("this")
    private <S extends TestServer> S start(Supplier<S> container, Supplier<S> embedded) {
        if (inContainers()) {
            try {
                return closedWithJvm(container.get());
            } catch (ContainerLaunchException | ContainerFetchException e) {
                if (property(PREFER) != null) {
                    throw e;
                }
                // An engine without access to the images: the embedded servers do as well.
                LOG.warn("the Docker engine answers and cannot start the container: {}", e.getMessage());
                containers = false;
                announced = false;
                announce();
            }
        }
        return embedded.get();
    }

    @GuardedBy("this")
    private boolean inContainers() {
        if (containers == null) {
            String preferred = System.getProperty(PREFER, "");
            containers = switch (preferred) {
                case "embedded" -> false;
                case "containers" -> true;
                case "" -> DockerClientFactory.instance().isDockerAvailable();
                default ->
                    throw new IllegalArgumentException(
                            "-D" + PREFER + "=" + preferred + " must be embedded or containers");
            };
        }
        return containers;
    }

    /** A system property; an empty one counts as none, so that a build can always pass it on. */
    private static @Nullable String property(String name) {
        String value = System.getProperty(name, "");
        return value.isEmpty() ? null : value;
    }

    private static <S extends TestServer> S closedWithJvm(S server) {
        Runtime.getRuntime().addShutdownHook(new Thread(server::close, "understudy-servers-close"));
        return server;
    }
}
