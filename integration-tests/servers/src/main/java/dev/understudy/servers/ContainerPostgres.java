package dev.understudy.servers;

import org.testcontainers.postgresql.PostgreSQLContainer;
import org.testcontainers.utility.DockerImageName;

/** A PostgreSQL in a container, as durable as the embedded one. Thread-safe. */
final class ContainerPostgres implements PostgresServer {
    static final String IMAGE = "postgres:18";

    private final PostgreSQLContainer container;

    @SuppressWarnings("resource") // the field is closed by close()
    ContainerPostgres() {
        container = new PostgreSQLContainer(DockerImageName.parse(IMAGE))
                .withUsername("postgres")
                .withDatabaseName("postgres")
                .withCommand(
                        "postgres",
                        "-c",
                        "fsync=on",
                        "-c",
                        "synchronous_commit=on",
                        "-c",
                        "full_page_writes=on",
                        "-c",
                        "wal_level=logical",
                        "-c",
                        "max_connections=200",
                        "-c",
                        "max_prepared_transactions=10");
        container.start();
    }

    @Override
    public String description() {
        return "container " + IMAGE;
    }

    @Override
    public String host() {
        return container.getHost();
    }

    @Override
    public int port() {
        return container.getMappedPort(PostgreSQLContainer.POSTGRESQL_PORT);
    }

    @Override
    public boolean isOwned() {
        return true;
    }

    @Override
    public String jdbcUrl() {
        return jdbcUrl("postgres");
    }

    @Override
    public String jdbcUrl(String database) {
        return "jdbc:postgresql://" + host() + ":" + port() + "/" + database + "?user=" + container.getUsername()
                + "&password=" + container.getPassword();
    }

    @Override
    public String user() {
        return container.getUsername();
    }

    @Override
    public String createDatabase(String name) {
        return jdbcUrl(Databases.create(jdbcUrl(), name));
    }

    @Override
    public void pause() {
        container
                .getDockerClient()
                .pauseContainerCmd(container.getContainerId())
                .exec();
    }

    @Override
    public void resume() {
        container
                .getDockerClient()
                .unpauseContainerCmd(container.getContainerId())
                .exec();
    }

    @Override
    public void close() {
        container.stop();
    }
}
