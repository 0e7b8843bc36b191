package dev.understudy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Options that are refused before any server is started. */
class DemoOptionsTest {
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--only everything",
                "--only",
                "--seconds 0",
                "--seconds 601",
                "--seconds soon",
                "--threads 0",
                "--threads 257",
                "--rows 99",
                "--rows 5000001",
                "--url mysql://localhost/shop",
                "--redis localhost:6379",
                "--redis rediss://localhost",
                "--user shop",
                "--password secret",
                "--unknown",
                "race"
            })
    void run_badOption_printsUsageAndAnswers2(String arguments) {
        assertThat(run(arguments.split(" "))).isEqualTo(2);

        assertThat(text(errors)).contains("Usage: demo").contains("--only").doesNotContain("Exception");
        assertThat(text(output)).isEmpty();
    }

    @Test
    void run_badValue_isNamedWithItsRange() {
        run("--rows", "7");

        assertThat(text(errors)).contains("--rows 7 is outside 100 to 5000000");
    }

    @Test
    void run_help_printsUsageAndAnswers0() {
        assertThat(run("--help")).isZero();

        assertThat(text(output)).contains("Usage: demo", "--only=race|kill|bench", "--seconds", "--threads", "--rows");
    }

    private int run(String... arguments) {
        return Demo.run(printer(output), printer(errors), arguments);
    }

    private static PrintStream printer(ByteArrayOutputStream target) {
        return new PrintStream(target, true, StandardCharsets.UTF_8);
    }

    private static String text(ByteArrayOutputStream source) {
        return source.toString(StandardCharsets.UTF_8);
    }
}
