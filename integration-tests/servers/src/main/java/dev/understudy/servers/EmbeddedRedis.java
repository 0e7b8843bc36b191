package dev.understudy.servers;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.understudy.servers.RedisServer.AppendFsync;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A {@code redis-server} process of this JVM, with the append-only file on. Thread-safe. */
final class EmbeddedRedis implements RedisServer {
    private static final int PORT_TRIES = 5;
    private static final int PROBE_MILLIS = 1_000;
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);
    private static final Pattern VERSION = Pattern.compile("(\\w+)(?: server)? v=(\\S+)");
    private static final Pattern INCREMENT = Pattern.compile("\\.(\\d+)\\.incr\\.aof$");

    private final Path folder;
    private final String product;
    private final List<String> command;
    private final int port;
    private final Duration startTimeout;

    @GuardedBy("this")
    private @Nullable ServerProcess process;

    private EmbeddedRedis(Path folder, String product, List<String> command, int port, Duration startTimeout) {
        this.folder = folder;
        this.product = product;
        this.command = command;
        this.port = port;
        this.startTimeout = startTimeout;
    }

    static RedisServer start(AppendFsync fsync, List<String> arguments, Duration startTimeout) {
        try {
            Path binary = binary();
            String product = product(binary);
            for (int i = 1; ; i++) {
                Path folder = RunFolder.current().newFolder("redis");
                int port = Ports.free();
                List<String> command = new ArrayList<>(List.of(binary.toString()));
                command.addAll(List.of("--port", Integer.toString(port), "--bind", "127.0.0.1", "--save", ""));
                command.addAll(List.of("--appendonly", "yes"));
                command.addAll(List.of("--appendfsync", fsync.name().toLowerCase(Locale.ROOT)));
                command.addAll(List.of("--dir", folder.toString()));
                command.addAll(arguments);
                EmbeddedRedis redis = new EmbeddedRedis(folder, product, command, port, startTimeout);
                try {
                    redis.start();
                    return redis;
                } catch (IllegalStateException e) {
                    redis.close();
                    if (i == PORT_TRIES || !Ports.isTaken(e)) {
                        throw e;
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start an embedded Redis", e);
        }
    }

    /** Product and version of the program that embedded servers use, such as {@code Redis 7.0.15}. */
    static String product() {
        try {
            return System.getProperty(Servers.REDIS_BINARY, "").isEmpty()
                    ? "Redis " + Binaries.REDIS_VERSION
                    : product(binary());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot ask redis-server for its version", e);
        }
    }

    private static Path binary() throws IOException {
        String told = System.getProperty(Servers.REDIS_BINARY, "");
        if (told.isEmpty()) {
            return Binaries.redis();
        }
        Path binary = Path.of(told);
        if (!Files.isExecutable(binary)) {
            throw new IllegalArgumentException("-D" + Servers.REDIS_BINARY + "=" + told + " is no program");
        }
        return binary;
    }

    private static String product(Path binary) throws IOException {
        Process process = new ProcessBuilder(binary.toString(), "--version")
                .redirectErrorStream(true)
                .start();
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            String line = String.valueOf(reader.readLine());
            Matcher matcher = VERSION.matcher(line);
            return matcher.find() ? matcher.group(1) + " " + matcher.group(2) : line;
        }
    }

    @Override
    public String description() {
        return "embedded " + product;
    }

    @Override
    public String host() {
        return "127.0.0.1";
    }

    @Override
    public int port() {
        return port;
    }

    @Override
    public boolean isOwned() {
        return true;
    }

    @Override
    public String uri() {
        return "redis://127.0.0.1:" + port;
    }

    @Override
    public Path dataFolder() {
        return folder;
    }

    @Override
    public synchronized void start() {
        if (process != null && process.isAlive()) {
            throw new IllegalStateException(description() + " runs already");
        }
        Ports.awaitFree(port, startTimeout);
        ServerProcess started;
        try {
            started = ServerProcess.start(command, folder, folder.resolve("log"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + description(), e);
        }
        process = started;
        try {
            started.awaitReady(startTimeout, this::answers);
        } catch (IllegalStateException e) {
            started.kill();
            throw new IllegalStateException(description() + " " + e.getMessage(), e);
        }
    }

    @Override
    public synchronized void stop() {
        ServerProcess running = running();
        running.resume();
        running.signal("TERM");
        running.awaitEnd(STOP_LIMIT);
    }

    @Override
    public synchronized void kill() {
        running().kill();
    }

    @Override
    public synchronized void pause() {
        running().pause();
    }

    @Override
    public synchronized void resume() {
        running().resume();
    }

    @Override
    public synchronized AppendLog appendLog() {
        try (Stream<Path> files = Files.list(folder.resolve("appendonlydir"))) {
            Path newest = files.filter(file -> increment(file) >= 0)
                    .max(Comparator.comparingLong(EmbeddedRedis::increment))
                    .orElseThrow(() -> new IllegalStateException(description() + " has no append-only file yet"));
            return new AppendLog(newest, Files.size(newest));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the append-only folder", e);
        }
    }

    @Override
    public synchronized void killLosing(AppendLog kept) {
        running().kill();
        if (!appendLog().file().equals(kept.file())) {
            throw new IllegalStateException(description() + " began another append-only file meanwhile");
        }
        try (FileChannel file = FileChannel.open(kept.file(), StandardOpenOption.WRITE)) {
            file.truncate(kept.bytes());
        } catch (IOException e) {
            throw new UncheckedIOException("cannot cut the append-only file", e);
        }
    }

    @Override
    public synchronized void close() {
        if (process != null) {
            process.kill();
        }
        Waiting.until(STOP_LIMIT, () -> RunFolder.deleteTree(folder));
    }

    @GuardedBy("this")
    private ServerProcess running() {
        if (process == null || !process.isAlive()) {
            throw new IllegalStateException(description() + " does not run");
        }
        return process;
    }

    private static long increment(Path file) {
        Matcher matcher = INCREMENT.matcher(file.getFileName().toString());
        return matcher.find() ? Long.parseLong(matcher.group(1)) : -1;
    }

    /** Whether the server answers a command, if only by asking for a password; while it loads its file it says LOADING. */
    private boolean answers() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(Ports.loopback(), port), PROBE_MILLIS);
            socket.setSoTimeout(PROBE_MILLIS);
            socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
            String line = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII))
                    .readLine();
            return line != null && (line.startsWith("+PONG") || line.startsWith("-NOAUTH"));
        } catch (IOException notYet) {
            return false; // asked again until the limit
        }
    }
}
