package dev.understudy.adapters.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The scripts' texts, and how the server treats them. */
final class ScriptsTest {
    private static SimulatedServer server;

    @BeforeAll
    static void startServer() {
        server = SimulatedServer.start();
    }

    @AfterAll
    static void closeServer() {
        server.close();
    }

    @Test
    void scripts_loaded_haveTheDigestThatTheServerTells() {
        for (Scripts.Script script : Scripts.ALL) {
            byte[] digest = (byte[]) server.wire().call("SCRIPT", "LOAD", script.text());
            assertThat(new String(digest, StandardCharsets.US_ASCII))
                    .as(script.name())
                    .isEqualTo(script.sha1());
        }
    }

    @Test
    void scripts_ofTheServersClock_answerInItsTime() {
        ScriptedShard shard = server.shard(Scripts.ALL);
        shard.flush(List.of("a"));
        List<?> time = (List<?>) server.wire().call("TIME");
        long now = Long.parseLong(new String((byte[]) time.get(0), StandardCharsets.US_ASCII)) * 1_000_000;
        Reply opened = new Reply(evaluate(Scripts.OPEN, "", "", 7, 9));
        Reply prepared = new Reply(evaluate(Scripts.PREPARE, "a", "", opened.number(1), 1000, 0));
        assertThat(prepared.number(1)).isBetween(now, now + 60_000_000);
        assertThat(prepared.number(2) - prepared.number(3)).isEqualTo(1000);
    }

    @Test
    void writeBack_serverOutOfMemory_isRefusedAndTheDrainGoesOn() {
        Stage stage = new Stage(server.shard(Scripts.ALL), "mixed", Set.of());
        stage.back("b1");
        server.wire().call("CONFIG", "SET", "maxmemory", "1");
        try {
            assertThatThrownBy(() -> stage.back("b2"))
                    .isInstanceOf(RedisWire.ErrorReply.class)
                    .hasMessageStartingWith("OOM");
            assertThat(stage.ending()).isEqualTo("b1/b1");
            stage.through("t");
            assertThat(stage.ending()).isEqualTo("t/t");
        } finally {
            server.wire().call("CONFIG", "SET", "maxmemory", "0");
        }
    }

    @SuppressWarnings("unchecked")
    private static List<Object> evaluate(Scripts.Script script, Object... arguments) {
        Object[] command = new Object[7 + arguments.length];
        Object[] head = {
            "EVAL",
            script.text(),
            3,
            ScriptedShard.ENTRY + arguments[0],
            ScriptedShard.META,
            ScriptedShard.QUEUE,
            arguments[0],
        };
        System.arraycopy(head, 0, command, 0, head.length);
        command[7] = ScriptedShard.CHANNEL;
        System.arraycopy(arguments, 1, command, 8, arguments.length - 1);
        return (List<Object>) server.wire().call(command);
    }
}
