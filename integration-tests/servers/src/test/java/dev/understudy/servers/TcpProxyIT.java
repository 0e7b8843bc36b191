package dev.understudy.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TcpProxyIT {
    private TcpProxy proxy;

    @BeforeEach
    void open() {
        proxy = TcpProxy.to(Servers.shared().redis());
    }

    @AfterEach
    void close() {
        proxy.close();
        Awaitility.await()
                .until(() -> Thread.getAllStackTraces().keySet().stream()
                        .noneMatch(thread -> thread.getName().startsWith("tcp-proxy-" + proxy.port())));
    }

    @Test
    void pass_command_isAnswered() throws IOException {
        try (RedisClient client = client()) {
            assertThat(client.call("PING")).isEqualTo("+PONG");
            assertThat(proxy.connections()).isEqualTo(1);
        }
        Awaitility.await().until(() -> proxy.connections() == 0);
    }

    @Test
    void refuse_openAndNewConnections_failUntilPass() throws IOException {
        try (RedisClient client = client()) {
            client.call("PING");
            proxy.refuse();
            assertThatThrownBy(() -> client.call("PING")).isInstanceOf(IOException.class);
        }
        assertThatThrownBy(this::client).isInstanceOf(IOException.class).hasMessageContaining("refused");

        proxy.pass();

        try (RedisClient client = client()) {
            assertThat(client.call("PING")).isEqualTo("+PONG");
        }
    }

    @Test
    void blackhole_command_isAnsweredAfterPass() throws IOException {
        try (RedisClient client = client()) {
            client.call("PING");
            proxy.blackhole();
            client.send("PING");
            assertSilent(client);
            proxy.pass();
            assertThat(client.receive()).isEqualTo("+PONG");
        }
    }

    @Test
    void holdReplies_write_reachesTheServerAndLooksLost() throws IOException {
        try (RedisClient client = client();
                RedisClient direct = new RedisClient(Servers.shared().redis())) {
            client.call("DEL tcp-proxy");
            proxy.holdReplies();
            client.send("SET tcp-proxy 1");
            assertSilent(client);
            Awaitility.await()
                    .untilAsserted(
                            () -> assertThat(direct.call("GET tcp-proxy")).isEqualTo("1"));
            proxy.cut();
            assertThatThrownBy(client::receive).isInstanceOf(IOException.class);
        }
    }

    @Test
    void latency_command_takesBothWays() throws IOException {
        try (RedisClient client = client()) {
            client.call("PING");
            proxy.latency(Duration.ofMillis(30));
            long start = System.nanoTime();
            client.call("PING");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(60));
        }
    }

    private static void assertSilent(RedisClient client) throws IOException {
        client.timeout(300);
        assertThatThrownBy(client::receive).isInstanceOf(SocketTimeoutException.class);
        client.timeout(30_000);
    }

    private RedisClient client() throws IOException {
        return new RedisClient(proxy.host(), proxy.port());
    }
}
