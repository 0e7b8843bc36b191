package dev.understudy.servers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.servers.RedisServer.AppendFsync;
import dev.understudy.servers.RedisServer.AppendLog;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class EmbeddedRedisIT {
    private static RedisServer redis;

    @BeforeAll
    static void start() {
        redis = RedisServer.builder().appendFsync(AppendFsync.ALWAYS).start();
    }

    @AfterAll
    static void close() {
        Path folder = redis.dataFolder();
        redis.close();
        assertThat(folder).doesNotExist();
    }

    @Test
    void restart_writtenKey_isThereAtTheSamePort() throws IOException {
        set("restart", "1");
        int port = redis.port();

        redis.restart();

        assertThat(redis.port()).isEqualTo(port);
        assertThat(get("restart")).isEqualTo("1");
    }

    @Test
    void kill_thenStart_keepsWhatWasAcknowledged() throws IOException {
        set("killed", "1");

        redis.kill();
        assertThatThrownBy(() -> get("killed")).isInstanceOf(IOException.class);
        redis.start();

        assertThat(get("killed")).isEqualTo("1");
    }

    @Test
    void killLosing_writesAfterTheMark_areLost() throws IOException {
        set("kept", "1");
        AppendLog mark = redis.appendLog();
        set("lost", "1");

        redis.killLosing(mark);
        redis.start();

        assertThat(get("kept")).isEqualTo("1");
        assertThat(get("lost")).isEqualTo("$-1");
    }

    @Test
    void pause_connectionIsAccepted_andNobodyAnswersUntilResume() throws IOException {
        redis.pause();
        try (RedisClient client = new RedisClient(redis)) {
            client.timeout(200);
            client.send("PING");
            assertThatThrownBy(client::receive).isInstanceOf(SocketTimeoutException.class);
        }
        redis.resume();

        assertThat(call("PING")).isEqualTo("+PONG");
    }

    @Test
    void kill_pausedServer_ends() throws IOException {
        redis.pause();
        redis.kill();
        redis.start();

        assertThat(call("PING")).isEqualTo("+PONG");
    }

    @Test
    void start_badArgument_failsWithTheLog() {
        assertThatThrownBy(() -> RedisServer.builder()
                        .arguments("--no-such-setting", "1")
                        .start())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no-such-setting");
    }

    private static void set(String key, String value) throws IOException {
        assertThat(call("SET " + key + " " + value)).isEqualTo("+OK");
    }

    private static String get(String key) throws IOException {
        return call("GET " + key);
    }

    private static String call(String command) throws IOException {
        try (RedisClient client = new RedisClient(redis)) {
            return client.call(command);
        }
    }
}
