package dev.understudy.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
    void refuse_always_refusesFromItsReturnOn() {
        for (int round = 0; round < 300; round++) {
            proxy.refuse();
            assertThatThrownBy(this::client).isInstanceOf(IOException.class).hasMessageContaining("refused");
            proxy.pass();
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

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void slices_ofThreeBytes_answersAreWholeAndTakeAsManyPauses(boolean isFramed) throws IOException {
        if (isFramed) {
            proxy.messages(TcpProxy.Messages.PASS);
        }
        try (RedisClient client = client();
                RedisClient direct = new RedisClient(Servers.shared().redis())) {
            direct.call("SETRANGE tcp-proxy-sliced 2999 x");
            client.call("PING");
            proxy.slices(3);
            long start = System.nanoTime();
            assertThat(client.call("GET tcp-proxy-sliced")).hasSize(3_000);
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(50));
            direct.call("DEL tcp-proxy-sliced");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void messages_lostTwiceAndLate_answersAreWhole(int protocol) throws IOException {
        proxy.messages(frame -> {
            String text = new String(frame, StandardCharsets.UTF_8);
            return text.contains("lost")
                    ? List.of()
                    : text.contains("twice")
                            ? List.of(Duration.ZERO, Duration.ZERO)
                            : List.of(text.contains("late") ? Duration.ofMillis(300) : Duration.ZERO);
        });
        try (RedisClient client = client();
                RedisClient direct = new RedisClient(Servers.shared().redis())) {
            direct.call("SETRANGE tcp-proxy-large 200000 x");
            assertThat(client.call("GET tcp-proxy-large")).hasSize(200_001);
            direct.call("DEL tcp-proxy-large");
            client.send("HELLO " + protocol);
            client.send("SUBSCRIBE proxied");
            awaitLine(client, "subscribe");

            for (String text : List.of("late", "lost", "twice", "once")) {
                direct.call("PUBLISH proxied " + text);
            }

            List<String> heard = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                awaitLine(client, "message");
                awaitLine(client, "proxied");
                heard.add(client.receive());
            }
            assertThat(heard).containsExactly("twice", "twice", "once", "late");
        }
        assertThat(List.of(proxy.lost(), proxy.twice(), proxy.late())).containsExactly(1L, 1L, 1L);
    }

    @Test
    void answersLate_messagesComeBefore() throws IOException {
        proxy.messages(TcpProxy.Messages.PASS);
        try (RedisClient subscriber = client();
                RedisClient other = client();
                RedisClient direct = new RedisClient(Servers.shared().redis())) {
            subscriber.send("SUBSCRIBE proxied");
            awaitLine(subscriber, ":1");
            proxy.answersLate(Duration.ofSeconds(2));
            long start = System.nanoTime();
            other.send("PING");
            direct.call("PUBLISH proxied now");
            awaitLine(subscriber, "now");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
            assertThat(other.receive()).isEqualTo("+PONG");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofSeconds(2));
        }
    }

    @Test
    void cutSubscribers_othersLive() throws IOException {
        proxy.messages(TcpProxy.Messages.PASS);
        try (RedisClient subscriber = client();
                RedisClient other = client()) {
            subscriber.send("SUBSCRIBE proxied");
            awaitLine(subscriber, ":1");
            proxy.cutSubscribers();
            assertThatThrownBy(subscriber::receive).isInstanceOf(IOException.class);
            assertThat(other.call("PING")).isEqualTo("+PONG");
        }
    }

    private static void awaitLine(RedisClient client, String line) throws IOException {
        while (!client.receive().equals(line)) {
            // An answer has several lines.
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
