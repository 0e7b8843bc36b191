package dev.understudy.adapters.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.understudy.model.Version;
import dev.understudy.spi.EntryKind;
import dev.understudy.spi.SharedEntry;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Entries as the scripts write them, read by Java. */
final class EntryLayoutTest {
    private static SimulatedServer server;
    private Stage stage;

    @BeforeAll
    static void startServer() {
        server = SimulatedServer.start();
    }

    @AfterAll
    static void closeServer() {
        server.close();
    }

    @BeforeEach
    void openShard() {
        stage = new Stage(server.shard(Scripts.ALL), "mixed", Set.of());
    }

    @Test
    void decode_cleanValue_isHeadAndPayload() {
        stage.through("value");
        byte[] bytes = stage.world.shard.entry(Stage.KEY);
        SharedEntry entry = EntryLayout.decode(bytes);
        assertThat(bytes).hasSize(31 + 5);
        assertThat(entry.bytes()).isSameAs(bytes);
        assertThat(entry.payload()).isEqualTo("value".getBytes(StandardCharsets.UTF_8));
        assertThat(entry.kind()).isEqualTo(EntryKind.VALUE);
        assertThat(entry.pending()).isFalse();
        assertThat(entry.version()).isEqualTo(new Version(stage.stored().version()));
        assertThat(entry.generation().value()).isEqualTo(stage.world.generation);
        assertThat(entry.writers()).isZero();
        assertThat(EntryLayout.isOwn(bytes)).isFalse();
    }

    @Test
    void decode_pendingAndMarkedDelete_hasBaseMarkerAndWriteId() {
        stage.through("value");
        Version base = new Version(stage.stored().version());
        stage.back(null, 8, Stage.NO_CONDITION, Stage.NO_BASE);
        stage.prepare("next");
        byte[] bytes = stage.world.shard.entry(Stage.KEY);
        SharedEntry entry = EntryLayout.decode(bytes);
        assertThat(bytes).hasSize(59);
        assertThat(entry.length()).isZero();
        assertThat(entry.kind()).isEqualTo(EntryKind.DELETED);
        assertThat(entry.pending()).isTrue();
        assertThat(entry.writeId()).isEqualTo(8);
        assertThat(entry.writers()).isEqualTo(1);
        assertThat(entry.markerDeadline()).isEqualTo(stage.now() + World.MARKER_MICROS);
        assertThat(entry.base()).isEqualTo(base);
        assertThat(EntryLayout.isOwn(bytes)).isTrue();
    }

    @Test
    void decode_valueThatWasDrained_hasASecondBlockUntilItIsReplaced() {
        stage.through("value");
        long version =
                stage.back("pending", 8, Stage.NO_CONDITION, Stage.NO_BASE).number(1);
        stage.call(Scripts.DRAINED, version, 1, "applied", World.TTL_MILLIS, 8, "", "", 1);
        byte[] bytes = stage.world.shard.entry(Stage.KEY);
        SharedEntry entry = EntryLayout.decode(bytes);
        assertThat(bytes).hasSize(59 + 7);
        assertThat(entry.pending()).isFalse();
        assertThat(entry.payload()).isEqualTo("pending".getBytes(StandardCharsets.UTF_8));
        stage.through("next");
        assertThat(stage.world.shard.entry(Stage.KEY)).hasSize(31 + 4);
    }

    @Test
    void decode_bytesThatAreNoEntry_isRefused() {
        assertThatThrownBy(() -> EntryLayout.decode(new byte[0])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> EntryLayout.decode(new byte[30])).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> EntryLayout.decode(new byte[31])).isInstanceOf(IllegalArgumentException.class);
        byte[] cut = new byte[58];
        cut[0] = 1 + 8 + 32;
        assertThatThrownBy(() -> EntryLayout.decode(cut)).isInstanceOf(IllegalArgumentException.class);
        byte[] unused = new byte[31];
        unused[0] = 1 + 16;
        assertThatThrownBy(() -> EntryLayout.decode(unused)).isInstanceOf(IllegalArgumentException.class);
        byte[] version = new byte[31];
        version[0] = 1;
        version[5] = 1;
        assertThatThrownBy(() -> EntryLayout.decode(version)).isInstanceOf(IllegalArgumentException.class);
    }
}
