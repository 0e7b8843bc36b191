package dev.understudy.servers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a JVM that started both servers leaves behind, in every way that it can end. */
class NothingLeftIT {
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final List<Long> processes = new ArrayList<>();
    private Path temporary;
    private String folder = "";
    private String postgresUrl = "";

    @BeforeEach
    void makeFolder() throws IOException {
        temporary = Files.createTempDirectory("servers-it");
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxrwxrwx"));
    }

    @AfterEach
    void removeFolder() {
        Awaitility.await().atMost(LIMIT).until(() -> RunFolder.deleteTree(temporary));
    }

    @Test
    void jvm_endsByItself_leavesNothing() throws IOException {
        try (ChildJvm child = started(builder())) {
            child.send("end");
            assertThat(child.awaitExit(LIMIT)).isZero();
            assertNothingLeft();
        }
    }

    @Test
    void jvm_terminated_leavesNothing() throws IOException {
        try (ChildJvm child = started(builder())) {
            child.destroy();
            assertNothingLeft();
        }
    }

    @Test
    void jvm_killed_leavesNothing() throws IOException {
        try (ChildJvm child = started(builder())) {
            child.kill();
            assertNothingLeft();
        }
    }

    @Test
    void jvm_killedWhileItsServersArePaused_leavesNothing() throws IOException {
        try (ChildJvm child = started(builder())) {
            child.send("p");
            child.await("paused", LIMIT);
            child.kill();
            assertNothingLeft();
        }
    }

    @Test
    void jvm_killedWithItsWatchdog_isSweptByTheNext() throws IOException {
        try (ChildJvm child = started(builder())) {
            Long watchdog = processes.stream()
                    .filter(pid -> ProcessHandle.of(pid)
                            .flatMap(process -> process.info().arguments())
                            .filter(words -> List.of(words).contains("understudy-watchdog"))
                            .isPresent())
                    .findFirst()
                    .orElseThrow();
            ProcessHandle.of(watchdog).ifPresent(ProcessHandle::destroyForcibly);
            Awaitility.await().until(() -> !isAlive(watchdog));
            child.kill();
        }
        List<Long> first = List.copyOf(processes);
        String firstFolder = folder;
        assertThat(Path.of(firstFolder)).exists();

        try (ChildJvm next = started(builder())) {
            assertThat(Path.of(firstFolder)).doesNotExist();
            Awaitility.await().atMost(LIMIT).until(() -> first.stream().noneMatch(NothingLeftIT::isAlive));
            next.send("end");
            next.awaitExit(LIMIT);
            assertNothingLeft();
        }
    }

    @Test
    void jvm_ofAnOrdinaryUser_startsBothAndLeavesNothing() throws IOException, SQLException {
        // Root becomes somebody else for this; an ordinary user is one already, and has shown it in the other cases.
        ChildJvm.Builder builder = builder().property(Servers.POSTGRES_BINARIES, "");
        if (RunFolder.current().isRoot()) {
            builder.prefix("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--")
                    .classPath(readableClassPath());
        }
        try (ChildJvm child = started(builder)) {
            assertThat(EmbeddedPostgresIT.query(postgresUrl, "show fsync")).isEqualTo("on");
            assertThat(Files.getAttribute(Path.of(folder), "unix:uid")).isNotEqualTo(0);
            child.kill();
            assertNothingLeft();
        }
    }

    private ChildJvm.Builder builder() throws IOException {
        return ChildJvm.builder(StartsBoth.class)
                .property("java.io.tmpdir", temporary.toString())
                .property(Servers.PREFER, "embedded")
                .property(Servers.POSTGRES_BINARIES, Binaries.postgres().toString())
                .options("-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");
    }

    private ChildJvm started(ChildJvm.Builder builder) {
        processes.clear();
        ChildJvm child = builder.start();
        assertThat(child.await("servers: ", LIMIT)).matches("servers: embedded \\w+ [\\d.]+ and PostgreSQL [\\d.]+");
        child.await("redis ", LIMIT);
        postgresUrl = child.await("postgres ", LIMIT).substring("postgres ".length());
        folder = child.await("folder ", LIMIT).substring("folder ".length());
        for (String line = child.nextLine(LIMIT); !line.equals("ready"); line = child.nextLine(LIMIT)) {
            processes.add(Long.parseLong(line.substring("process ".length())));
        }
        // A watchdog, a Redis, a Postgres and its children, of which some end by themselves.
        processes.removeIf(pid -> !isAlive(pid));
        assertThat(processes).hasSizeGreaterThan(5);
        assertThat(Path.of(folder)).exists();
        return child;
    }

    private void assertNothingLeft() {
        Awaitility.await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(Path.of(folder)).doesNotExist();
            assertThat(processes).noneMatch(NothingLeftIT::isAlive);
        });
    }

    private static boolean isAlive(long pid) {
        return Optional.of(pid)
                .flatMap(ProcessHandle::of)
                .filter(ServerProcess::isAlive)
                .isPresent();
    }

    /** A copy of the class path that every user can read; the folder of the local repository often belongs to one alone. */
    private String readableClassPath() throws IOException {
        List<String> copies = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
            Path copy = temporary.resolve("class-path-" + copies.size());
            copies.add(copy.toString());
            copy(Path.of(entry), copy);
        }
        return String.join(File.pathSeparator, copies);
    }

    private static void copy(Path from, Path to) throws IOException {
        try (var walk = Files.walk(from)) {
            for (Path path : walk.toList()) {
                Path copy = path.equals(from)
                        ? to
                        : to.resolve(from.relativize(path).toString());
                Files.copy(path, copy);
                Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        }
    }
}
