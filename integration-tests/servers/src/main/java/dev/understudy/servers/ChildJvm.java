package dev.understudy.servers;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Another JVM with this one's class path, to be killed: a main class that talks in lines over its standard streams.
 *
 * <p>The child inherits the system properties that begin with {@code understudy.}. Its standard error is copied to this
 * JVM's. Lines that nobody took wait in a queue of {@value #LINES_MAX}; when that is full, the child blocks as at any pipe. It
 * dies with this JVM. Thread-safe.
 */
public final class ChildJvm implements AutoCloseable {
    private static final int LINES_MAX = 100_000;
    private static final int RECENT_MAX = 20;
    private static final Duration END_LIMIT = Duration.ofMinutes(1);
    private static final String END = new String("end of the child's output");

    private final String name;
    private final Process process;
    private final BufferedWriter input;
    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>(LINES_MAX);

    @SuppressWarnings("FutureReturnValueIgnored") // what the stage does cannot fail in a way that matters
    private ChildJvm(String name, Process process) {
        this.name = name;
        this.process = process;
        this.input = process.outputWriter(StandardCharsets.UTF_8);
        RunFolder.current().watch(process.toHandle());
        process.onExit().thenRun(() -> RunFolder.current().unwatch(process.toHandle()));
        daemon("output", this::readLines);
        daemon("errors", this::copyErrors);
    }

    /** Settings of a child that is to run {@code main}. */
    public static Builder builder(Class<?> main) {
        return new Builder(main.getName());
    }

    /** Process id. */
    public long pid() {
        return process.pid();
    }

    /** Whether the child runs or is paused. */
    public boolean isAlive() {
        return process.isAlive();
    }

    /** Writes a line to the child's standard input. */
    public synchronized void send(String line) {
        try {
            input.write(line);
            input.newLine();
            input.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(name + " does not read its input", e);
        }
    }

    /**
     * Takes lines of the child's standard output until one begins with {@code prefix}, and returns it whole.
     *
     * @throws IllegalStateException if the output ends before, or {@code limit} passes; the message has the last lines
     */
    public String await(String prefix, Duration limit) {
        return await(prefix, limit, line -> line.startsWith(prefix));
    }

    /** Takes the next line of the child's standard output; fails as {@link #await} does. */
    public String nextLine(Duration limit) {
        return await("any line", limit, line -> true);
    }

    /** Takes all lines that have come and that nobody took. */
    public List<String> drainLines() {
        List<String> drained = new ArrayList<>();
        lines.drainTo(drained);
        if (drained.removeIf(line -> isEnd(line))) {
            lines.add(END);
        }
        return drained;
    }

    /** SIGKILL, as {@code kill -9}; returns when the child is gone. */
    public void kill() {
        process.destroyForcibly();
        awaitExit(END_LIMIT);
    }

    /** SIGTERM: the child's shutdown hooks run; returns its exit code. */
    public int destroy() {
        process.destroy();
        return awaitExit(END_LIMIT);
    }

    /** SIGSTOP: the child does nothing until {@link #resume()}. */
    public void pause() {
        ServerProcess.signal("STOP", List.of(process.toHandle()));
    }

    /** SIGCONT. */
    public void resume() {
        ServerProcess.signal("CONT", List.of(process.toHandle()));
    }

    /** Waits for the child's end and returns its exit code. */
    public int awaitExit(Duration limit) {
        try {
            if (!process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS)) {
                throw new IllegalStateException(name + " still runs after " + limit);
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for the end of " + name, e);
        }
    }

    /** Kills the child if it still runs. */
    @Override
    public void close() {
        kill();
    }

    private String await(String wanted, Duration limit, Predicate<String> condition) {
        long end = System.nanoTime() + limit.toNanos();
        Deque<String> recent = new ArrayDeque<>();
        try {
            while (true) {
                String line = lines.poll(end - System.nanoTime(), TimeUnit.NANOSECONDS);
                if (line == null || isEnd(line)) {
                    if (line != null) {
                        lines.add(END);
                    }
                    throw new IllegalStateException(
                            name + (line == null ? " did not print in " + limit : " ended without printing") + ": "
                                    + wanted + "; its last lines:\n" + String.join("\n", recent));
                }
                if (condition.test(line)) {
                    return line;
                }
                recent.add(line);
                if (recent.size() > RECENT_MAX) {
                    recent.removeFirst();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted while waiting for " + name, e);
        }
    }

    @SuppressWarnings("ReferenceEquality") // a line of the child with the same text is another object
    private static boolean isEnd(String line) {
        return line == END;
    }

    private void readLines() {
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                lines.put(line);
            }
        } catch (IOException killed) {
            lines.offer(name + " was cut off in the middle of a line");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        try {
            lines.put(END);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void copyErrors() {
        PrintStream target = System.err;
        try (BufferedReader reader = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                target.println("[" + name + "] " + line);
            }
        } catch (IOException killed) {
            target.println("[" + name + "] was killed");
        }
    }

    private void daemon(String what, Runnable work) {
        Thread thread = new Thread(work, name + "-" + what);
        thread.setDaemon(true);
        thread.start();
    }

    /** Settings of a child JVM. Not thread-safe. */
    public static final class Builder {
        private final String main;
        private final List<String> arguments = new ArrayList<>();
        private final List<String> options = new ArrayList<>();
        private final List<String> prefix = new ArrayList<>();
        private final Map<String, String> properties = new LinkedHashMap<>();
        private String classPath = System.getProperty("java.class.path");

        private Builder(String main) {
            this.main = main;
            System.getProperties().stringPropertyNames().stream()
                    .filter(key -> key.startsWith("understudy."))
                    .sorted()
                    .forEach(key -> properties.put(key, System.getProperty(key)));
        }

        /** Arguments of the main method; added to those of earlier calls. */
        public Builder arguments(String... more) {
            arguments.addAll(List.of(more));
            return this;
        }

        /** A system property of the child. */
        public Builder property(String key, String value) {
            properties.put(key, value);
            return this;
        }

        /** Options of the JVM, such as {@code -Xmx256m}; added to those of earlier calls. */
        public Builder options(String... more) {
            options.addAll(List.of(more));
            return this;
        }

        /** The class path, when it is not to be this JVM's. */
        public Builder classPath(String path) {
            classPath = path;
            return this;
        }

        /** Words in front of the command, such as a tool that changes the user. */
        public Builder prefix(String... words) {
            prefix.addAll(List.of(words));
            return this;
        }

        /** Has the child use this JVM's servers, by their addresses. */
        public Builder servers(RedisServer redis, PostgresServer postgres) {
            return property(Servers.REDIS, redis.uri()).property(Servers.POSTGRES, postgres.jdbcUrl());
        }

        /** How this JVM compiles and collects: a child lives no longer than it. */
        private static List<String> own() {
            return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                    .filter(option -> option.startsWith("-XX:"))
                    .toList();
        }

        /** Starts the child. */
        public ChildJvm start() {
            List<String> command = new ArrayList<>(prefix);
            command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            command.addAll(own());
            command.addAll(options);
            properties.forEach((key, value) -> command.add("-D" + key + "=" + value));
            command.add(main);
            command.addAll(arguments);
            ProcessBuilder builder = new ProcessBuilder(command);
            builder.environment().put("CLASSPATH", classPath);
            try {
                return new ChildJvm(main.substring(main.lastIndexOf('.') + 1), builder.start());
            } catch (IOException e) {
                throw new UncheckedIOException("cannot start a JVM for " + main, e);
            }
        }
    }
}
