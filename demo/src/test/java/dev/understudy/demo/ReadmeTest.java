package dev.understudy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The README shows what is compiled and run here. */
class ReadmeTest {
    private static final int LINES_MAX = 40;
    private static final String PROGRAM = "src/test/java/dev/understudy/demo/ReadmeProgram.java";

    @Test
    void readme_firstJavaBlock_isTheProgramThatIsRun() throws IOException {
        List<String> program = Files.readAllLines(Path.of(PROGRAM));
        // The package is the test's affair.
        List<String> shown = program.subList(2, program.size());

        assertThat(block("```java")).isEqualTo(shown).hasSizeLessThanOrEqualTo(LINES_MAX);
    }

    @Test
    void readme_runItAndTestIt_haveOneCommandEach() throws IOException {
        String text = Files.readString(readme());

        assertThat(section(text, "## Run it")).containsExactly("mvn -B -ntp -q -Pdemo -DskipTests verify");
        assertThat(section(text, "## Test it")).containsExactly("mvn -B verify");
    }

    private static List<String> section(String text, String title) {
        String section = text.substring(text.indexOf("\n" + title + "\n"));
        int begin = section.indexOf("```");
        String fenced = section.substring(section.indexOf('\n', begin) + 1, section.indexOf("\n```", begin));
        return fenced.lines().toList();
    }

    private static List<String> block(String fence) throws IOException {
        List<String> lines = Files.readAllLines(readme());
        int begin = lines.indexOf(fence) + 1;
        List<String> rest = lines.subList(begin, lines.size());
        return rest.subList(0, rest.indexOf("```"));
    }

    private static Path readme() {
        return Path.of("..", "README.md");
    }
}
