package dev.understudy.torture;

import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** A line of the engine that keeps what near replicas serve from being too old, and what stands there instead without it. */
enum NearProtection {
    /** An entry serves only while its shard was confirmed within the bound. */
    AGE("NearEntry", "epoch == shard.epoch() && now - shard.confirmedAt() <= staleness", "epoch == shard.epoch()"),
    /** An entry of a shard that was dropped since does not serve. */
    EPOCH(
            "NearEntry",
            "epoch == shard.epoch() && now - shard.confirmedAt() <= staleness",
            "now - shard.confirmedAt() <= staleness"),
    /** A message that is missing drops the shard. */
    GAP("ShardState", "position.value() == applied.value() + 1", "position.value() > applied.value()"),
    /** Only what is applied up to the position pulled confirms the shard. */
    COMPARISON("ShardState", "if (applied.covers(pulled)) {", "if (!applied.equals(Position.NONE)) {"),
    /** A load or write that was overtaken, or whose shard was dropped, is not installed. */
    FLOOR("InFlight", "return floor > version.value() || epoch != shard.epoch();", "return false;"),
    /** A session reads from replicas that have applied what it saw. */
    SESSION_FLOOR("SessionState", "if (floor != null && !applied.covers(floor)) {", "if (applied == null) {"),
    /** A session is not shown a version older than one that it was shown or wrote. */
    SESSION_VERSIONS("SessionState", "if (seen != null && !seen.allows(version)) {", "if (version == null) {"),
    /** A near entry whose shard was not confirmed after it was loaded does not serve sessions. */
    SESSION_COVERED(
            "NearTier",
            "return entry.shard().confirmedAt() - (entry.expiresAt() - life) >= 0;",
            "return life > Long.MIN_VALUE;");

    private static final Path ENGINE =
            Path.of("..", "..", "cache-core", "src", "main", "java", "dev", "understudy", "engine");

    private final String type;
    private final String line;
    private final String instead;

    NearProtection(String type, String line, String instead) {
        this.type = type;
        this.line = line;
        this.instead = instead;
    }

    /** This JVM's class path with the engine without the protection in front of it. */
    String classPathWithout(Path folder) {
        Path classes = folder.resolve(name());
        try {
            String source = Files.readString(ENGINE.resolve(type + ".java"));
            if (source.split(Pattern.quote(line), -1).length != 2) {
                throw new IllegalStateException(type + " has not this line once: " + line);
            }
            Path changed =
                    Files.createDirectories(folder.resolve(name() + "-source")).resolve(type + ".java");
            Files.writeString(changed, source.replace(line, instead));
            Files.createDirectories(classes);
            compile(changed, classes);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot take out " + this, e);
        }
        String classPath = System.getProperty("java.class.path");
        return classes + File.pathSeparator + classPath;
    }

    private static void compile(Path source, Path classes) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        StringWriter messages = new StringWriter();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled = compiler.getTask(
                            messages,
                            files,
                            null,
                            List.of(
                                    "-d",
                                    classes.toString(),
                                    "-proc:none",
                                    "-cp",
                                    System.getProperty("java.class.path")),
                            null,
                            files.getJavaFileObjects(source))
                    .call();
            if (!compiled) {
                throw new IllegalStateException("does not compile: " + messages);
            }
        }
    }
}
