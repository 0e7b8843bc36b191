package dev.understudy.servers;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A {@code postgres} process of this JVM with a data folder of its own. Thread-safe. */
final class EmbeddedPostgres implements PostgresServer {
    private static final int PORT_TRIES = 5;
    private static final Duration INIT_LIMIT = Duration.ofMinutes(2);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(30);

    private final Path folder;
    private final Path binaries;
    private final String product;
    private final RunAs user;
    private final int port;
    private final Duration startTimeout;

    @GuardedBy("this")
    private @Nullable ServerProcess process;

    private EmbeddedPostgres(Path folder, Path binaries, RunAs user, int port, Duration startTimeout) {
        this.folder = folder;
        this.binaries = binaries;
        this.product = product();
        this.user = user;
        this.port = port;
        this.startTimeout = startTimeout;
    }

    static PostgresServer start(Map<String, String> settings, Duration startTimeout) {
        try {
            Path binaries = binaries();
            RunAs user = RunAs.unprivileged();
            for (int i = 1; ; i++) {
                Path folder = RunFolder.current().newFolder("postgres");
                EmbeddedPostgres postgres = new EmbeddedPostgres(folder, binaries, user, Ports.free(), startTimeout);
                try {
                    postgres.initialize(settings);
                    postgres.start();
                    return postgres;
                } catch (IllegalStateException e) {
                    postgres.close();
                    if (i == PORT_TRIES || !Ports.isTaken(e)) {
                        throw e;
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start an embedded PostgreSQL", e);
        }
    }

    /** Product and version of the programs that embedded servers use, such as {@code PostgreSQL 18.6}. */
    static String product() {
        if (System.getProperty(Servers.POSTGRES_BINARIES, "").isEmpty()) {
            return "PostgreSQL " + Binaries.postgresVersion();
        }
        try {
            Process process = new ProcessBuilder(
                            binaries().resolve("bin/postgres").toString(), "--version")
                    .redirectErrorStream(true)
                    .start();
            try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
                return String.valueOf(reader.readLine()).replace("postgres (PostgreSQL)", "PostgreSQL");
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot ask postgres for its version", e);
        }
    }

    private static Path binaries() throws IOException {
        String told = System.getProperty(Servers.POSTGRES_BINARIES, "");
        if (told.isEmpty()) {
            return Binaries.postgres();
        }
        Path binaries = Path.of(told);
        if (!Files.isExecutable(binaries.resolve("bin/initdb"))) {
            throw new IllegalArgumentException("-D" + Servers.POSTGRES_BINARIES + "=" + told + " has no bin/initdb");
        }
        return binaries;
    }

    private void initialize(Map<String, String> settings) throws IOException {
        Path data = dataFolder();
        Files.createDirectory(data);
        user.own(data);
        try {
            // Without a sync: a machine that loses power while a test prepares its server loses nothing of worth.
            run("initdb", "-D", data.toString(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
                    .awaitSuccess(INIT_LIMIT);
        } catch (IllegalStateException e) {
            throw new IllegalStateException("initdb of " + description() + ": " + e.getMessage(), e);
        }
        List<String> lines = new ArrayList<>();
        lines.add("listen_addresses = '127.0.0.1'");
        lines.add("port = " + port);
        lines.add("unix_socket_directories = ''");
        settings.forEach((name, value) -> lines.add(name + " = '" + value.replace("'", "''") + "'"));
        Files.write(data.resolve("postgresql.conf"), lines, StandardOpenOption.APPEND);
    }

    private ServerProcess run(String program, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(binaries.resolve("bin").resolve(program).toString());
        command.addAll(List.of(arguments));
        return ServerProcess.start(user.command(command), folder, folder.resolve("log"));
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
    public String jdbcUrl() {
        return jdbcUrl("postgres");
    }

    @Override
    public String jdbcUrl(String database) {
        return "jdbc:postgresql://127.0.0.1:" + port + "/" + database + "?user=postgres";
    }

    @Override
    public String user() {
        return "postgres";
    }

    @Override
    public String createDatabase(String name) {
        return jdbcUrl(Databases.create(jdbcUrl(), name));
    }

    @Override
    public Path dataFolder() {
        return folder.resolve("data");
    }

    @Override
    public synchronized void start() {
        if (process != null && process.isAlive()) {
            throw new IllegalStateException(description() + " runs already");
        }
        try {
            // The lock file of a server whose processes are known to be gone names a process id that may be another's
            // now.
            Files.deleteIfExists(lockFile());
            ServerProcess started = run("postgres", "-D", dataFolder().toString());
            process = started;
            try {
                started.awaitReady(startTimeout, this::answers);
                started.main(
                        Long.parseLong(Files.readAllLines(lockFile()).get(0).strip()));
            } catch (IllegalStateException e) {
                started.kill();
                throw new IllegalStateException(description() + " " + e.getMessage(), e);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot start " + description(), e);
        }
    }

    @Override
    public synchronized void stop() {
        stop("INT");
    }

    @Override
    public synchronized void stopImmediate() {
        stop("QUIT");
    }

    @GuardedBy("this")
    private void stop(String signal) {
        ServerProcess running = running();
        running.resume();
        running.signal(signal);
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

    private Path lockFile() {
        return dataFolder().resolve("postmaster.pid");
    }

    private boolean answers() {
        try (Connection connection = DriverManager.getConnection(jdbcUrl() + "&connectTimeout=2&socketTimeout=5")) {
            return connection.isValid(2);
        } catch (SQLException notYet) {
            return false; // asked again until the limit
        }
    }
}
