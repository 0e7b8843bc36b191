package dev.understudy.servers;

import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** A Redis in a container, with the append-only file on. Thread-safe. */
final class ContainerRedis implements RedisServer {
    static final String IMAGE = "redis:7.4";
    private static final int PORT = 6379;

    private final GenericContainer<?> container;

    @SuppressWarnings("resource") // the field is closed by close()
    ContainerRedis() {
        container = new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withCommand("redis-server", "--appendonly", "yes", "--save", "", "--protected-mode", "no")
                .withExposedPorts(PORT)
                .waitingFor(Wait.forLogMessage(".*Ready to accept connections.*", 1));
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
        return container.getMappedPort(PORT);
    }

    @Override
    public boolean isOwned() {
        return true;
    }

    @Override
    public String uri() {
        return "redis://" + host() + ":" + port();
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
