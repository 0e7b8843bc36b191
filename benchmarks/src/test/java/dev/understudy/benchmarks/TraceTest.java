package dev.understudy.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

class TraceTest {
    private static final String KEYS = "7\n42\n7\nuser:1\n";

    @TempDir
    private Path folder;

    @Test
    void read_ofKeys_numbersThemByTheirFirstRequest() throws IOException {
        Path file = Files.writeString(folder.resolve("keys.txt"), KEYS);
        assertKeys(Trace.read(file, 100));
    }

    @Test
    void read_ofGzip_unpacksIt() throws IOException {
        Path file = folder.resolve("keys.txt.gz");
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
            out.write(KEYS.getBytes(StandardCharsets.UTF_8));
        }
        assertKeys(Trace.read(file, 100));
    }

    @Test
    void read_ofXz_unpacksIt() throws IOException {
        Path file = folder.resolve("keys.txt.xz");
        try (OutputStream out = new XZOutputStream(Files.newOutputStream(file), new LZMA2Options())) {
            out.write(KEYS.getBytes(StandardCharsets.UTF_8));
        }
        assertKeys(Trace.read(file, 100));
    }

    private static void assertKeys(Trace trace) {
        assertThat(trace.size()).isEqualTo(4);
        assertThat(trace.distinct()).isEqualTo(3);
        assertThat(new int[] {trace.key(0), trace.key(1), trace.key(2), trace.key(3)})
                .containsExactly(0, 1, 0, 2);
        assertThat(trace.isWrite(0)).isFalse();
        assertThat(trace.bytes(0)).isEqualTo(200);
    }

    @Test
    void read_ofSevenFields_tellsOperationsAndSizes() throws IOException {
        Path file = Files.writeString(
                folder.resolve("cluster.csv"), "0,a,1,230,12,get,0\n0,b,1,17,12,set,3600\n1,a,1,0,12,delete,0\n");
        Trace trace = Trace.read(file, 100);
        assertThat(trace.size()).isEqualTo(3);
        assertThat(trace.distinct()).isEqualTo(2);
        assertThat(new int[] {trace.key(0), trace.key(1), trace.key(2)}).containsExactly(0, 1, 0);
        assertThat(new boolean[] {trace.isWrite(0), trace.isWrite(1), trace.isWrite(2)})
                .containsExactly(false, true, true);
        assertThat(new int[] {trace.bytes(0), trace.bytes(1), trace.bytes(2)}).containsExactly(230, 17, 1);
    }

    @Test
    void read_withALimit_takesTheFirstRequests() throws IOException {
        Path file = Files.writeString(folder.resolve("keys.txt"), KEYS);
        Trace trace = Trace.read(file, 3);
        assertThat(trace.size()).isEqualTo(3);
        assertThat(trace.distinct()).isEqualTo(2);
    }

    @Test
    void read_ofABadLine_namesItsNumberAndNotItsContent() throws IOException {
        assertBad("1\n2\nsecret,3\n", "line 3 ");
        assertBad("0,a,1,230,12,get,0\n0,secret,1,230,12,steal,0\n", "line 2 ");
        assertBad("0,secret,1,many,12,get,0\n", "line 1 ");
        assertBad("0,secret,1,-1,12,get,0\n", "line 1 ");
        assertBad("1\n\n2\n", "line 2 ");
    }

    private void assertBad(String content, String named) throws IOException {
        Path file = Files.writeString(folder.resolve("bad.txt"), content);
        assertThatThrownBy(() -> Trace.read(file, 100))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(named)
                .hasMessageNotContaining("secret");
    }
}
