package dev.understudy.specification;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The model checker TLC over {@code docs/spec/Replica.tla}: the protocol holds, and fails without each of its protections. */
class ReplicaSpecTest {
    private static final Path SPEC = Path.of("..", "..", "docs", "spec");
    private static final long MINUTES = 2;

    @TempDir
    private Path states;

    @ParameterizedTest
    @ValueSource(strings = {"Through", "Mixed", "Drains"})
    void check_protocol_holds(String configuration) throws Exception {
        assertThat(check(configuration)).contains("Model checking completed. No error has been found.");
    }

    @ParameterizedTest
    @CsvSource({
        "WithoutRule1, NothingComesBack",
        "WithoutFence, NothingComesBack",
        "WithoutTombstone, NothingComesBack",
        "WithoutMarker, CleanIsCurrent",
        "WithoutNewTombstones, NothingComesBack"
    })
    void check_withoutAProtection_isRefuted(String configuration, String invariant) throws Exception {
        assertThat(check(configuration)).contains("Invariant " + invariant + " is violated.");
    }

    private String check(String configuration) throws IOException, InterruptedException {
        Path output = states.resolve("output.txt");
        Process tlc = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+UseParallelGC",
                        "-cp",
                        System.getProperty("java.class.path"),
                        "tlc2.TLC",
                        "-nowarning",
                        "-workers",
                        "2",
                        "-metadir",
                        states.toString(),
                        "-config",
                        configuration + ".cfg",
                        "Replica.tla")
                .directory(SPEC.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(tlc.waitFor(MINUTES, TimeUnit.MINUTES)).isTrue();
        } finally {
            tlc.destroyForcibly();
        }
        return Files.readString(output, StandardCharsets.UTF_8);
    }
}
