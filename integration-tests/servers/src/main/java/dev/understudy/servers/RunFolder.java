package dev.understudy.servers;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of this JVM's servers, and the promise that nothing outlives the JVM. Thread-safe.
 *
 * <h2>Clean-up</h2>
 *
 * Three lines of defence. An orderly end of the JVM kills the processes and removes the folder in a shutdown hook. A JVM
 * that is killed closes its pipe to the watchdog, a shell that then does the same. If that was killed too, the next JVM of
 * the same user that starts a server sweeps: the name of a folder tells its owner's process id and start time, and the file
 * {@code pids} in it those of the processes. Start times guard against process ids that were given to others meanwhile.
 *
 * <h2>Rights</h2>
 *
 * The folders can be passed, not listed, by other users, so that a Postgres started by root can reach its data folder as the
 * user that it runs as.
 */
final class RunFolder {
    private static final Logger LOG = LoggerFactory.getLogger(RunFolder.class);
    private static final Duration DELETE_LIMIT = Duration.ofSeconds(10);
    private static final long START_TOLERANCE_MILLIS = 10_000;
    private static final String PREFIX = "run-" + processNamespace() + "-";

    @GuardedBy("RunFolder.class")
    private static @Nullable RunFolder current;

    private final Path home;
    private final Path folder;
    private final boolean root;
    private final Process watchdog;
    private final OutputStream pipe;

    @GuardedBy("this")
    private final Set<ServerProcess> processes = new LinkedHashSet<>();

    @GuardedBy("this")
    private int counter;

    private RunFolder() throws IOException {
        Path told = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath();
        Path probe = Files.createTempFile(told, "understudy", null);
        int uid = (Integer) Files.getAttribute(probe, "unix:uid");
        Files.delete(probe);
        root = uid == 0;
        Path base = root ? passableFolder(told) : told;
        home = home(base, uid);
        sweep(home);
        ProcessHandle self = ProcessHandle.current();
        folder = createFolder(home.resolve(PREFIX + self.pid() + "-" + startMillis(self)));
        String script;
        try (InputStream in = RunFolder.class.getResourceAsStream("watchdog.sh")) {
            if (in == null) {
                throw new IllegalStateException("watchdog.sh is missing from the class path");
            }
            script = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        watchdog = new ProcessBuilder("sh", "-c", script, "understudy-watchdog", folder.toString())
                .directory(Path.of("/").toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        pipe = watchdog.getOutputStream();
        Runtime.getRuntime().addShutdownHook(new Thread(this::end, "understudy-servers-end"));
    }

    /** The folder of this JVM; made, after a sweep, when first asked for. */
    static synchronized RunFolder current() {
        if (current == null) {
            try {
                current = new RunFolder();
            } catch (IOException e) {
                throw new UncheckedIOException("cannot prepare a folder for servers", e);
            }
        }
        return current;
    }

    /** The folder that all JVMs of this user share: unpacked binaries, and the folders of single JVMs. */
    Path home() {
        return home;
    }

    /** Whether this JVM runs as root. */
    boolean isRoot() {
        return root;
    }

    /** Makes an empty folder for one server. */
    synchronized Path newFolder(String name) throws IOException {
        counter++;
        return createFolder(folder.resolve(name + "-" + counter));
    }

    /** Puts a server's processes under the promise. */
    synchronized void register(ServerProcess process) {
        processes.add(process);
    }

    /** A server whose processes are gone. */
    synchronized void forget(ServerProcess process) {
        processes.remove(process);
    }

    /** Has the watchdog kill this process at the end of the JVM. */
    synchronized void watch(ProcessHandle process) {
        try {
            Files.writeString(
                    folder.resolve("pids"),
                    process.pid() + " " + startMillis(process) + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot note process " + process.pid(), e);
        }
        tell("add " + process.pid());
    }

    /** The opposite of {@link #watch}, for a process that has ended. */
    synchronized void unwatch(ProcessHandle process) {
        tell("drop " + process.pid());
    }

    @GuardedBy("this")
    private void tell(String line) {
        try {
            pipe.write((line + "\n").getBytes(StandardCharsets.UTF_8));
            pipe.flush();
        } catch (IOException e) {
            // Without a watchdog the shutdown hook and the next sweep still hold; a test run need not fail for it.
            LOG.warn("the watchdog of the test servers is gone: {}", e.getMessage());
        }
    }

    private void end() {
        List<ServerProcess> left;
        synchronized (this) {
            left = List.copyOf(processes);
        }
        left.forEach(ServerProcess::kill);
        if (Waiting.until(DELETE_LIMIT, () -> deleteTree(folder))) {
            synchronized (this) {
                tell("done");
            }
        }
    }

    /** Removes the folders, and kills the processes, of JVMs that ended without doing so. */
    private static void sweep(Path home) throws IOException {
        List<Path> runs;
        try (Stream<Path> list = Files.list(home)) {
            runs = list.filter(f -> f.getFileName().toString().startsWith(PREFIX))
                    .toList();
        }
        for (Path run : runs) {
            String[] owner =
                    run.getFileName().toString().substring(PREFIX.length()).split("-", -1);
            if (owner.length != 2 || isAlive(owner[0], owner[1])) {
                continue;
            }
            Path pids = run.resolve("pids");
            if (Files.exists(pids)) {
                for (String line : Files.readAllLines(pids)) {
                    String[] process = line.split(" ", -1);
                    if (process.length == 2 && isAlive(process[0], process[1])) {
                        ProcessHandle.of(Long.parseLong(process[0])).ifPresent(p -> {
                            p.descendants().forEach(ProcessHandle::destroyForcibly);
                            p.destroyForcibly();
                        });
                    }
                }
            }
            LOG.info("removing what a killed JVM left in {}", run);
            Waiting.until(DELETE_LIMIT, () -> deleteTree(run));
        }
    }

    private static boolean isAlive(String pid, String startMillis) {
        try {
            long start = Long.parseLong(startMillis);
            return ProcessHandle.of(Long.parseLong(pid))
                    .filter(p -> Math.abs(startMillis(p) - start) <= START_TOLERANCE_MILLIS)
                    .isPresent();
        } catch (NumberFormatException notOurs) {
            return true; // a folder or a line that this class did not write is left alone
        }
    }

    private static long startMillis(ProcessHandle process) {
        return process.info().startInstant().map(i -> i.toEpochMilli()).orElse(0L);
    }

    /** Removes a folder with all that is in it; false if something was still being written there. */
    static boolean deleteTree(Path folder) {
        if (!Files.exists(folder)) {
            return true;
        }
        try (Stream<Path> walk = Files.walk(folder)) {
            for (Path path : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
                Files.deleteIfExists(path);
            }
            return true;
        } catch (IOException | UncheckedIOException beingWritten) {
            return false; // the caller tries again: a process that is ending may still write
        }
    }

    private static Path home(Path base, int uid) throws IOException {
        Path home = base.resolve("understudy-servers-" + uid);
        if (!Files.isDirectory(home)) {
            try {
                return createFolder(home);
            } catch (FileAlreadyExistsException madeByAnotherJvm) {
                LOG.debug("{} was made by another JVM a moment ago", home);
            }
        }
        if ((Integer) Files.getAttribute(home, "unix:uid") == uid && !Files.isSymbolicLink(home)) {
            return home;
        }
        // Somebody else's folder with our name: use one of our own, without a share in unpacked binaries.
        return createFolder(base.resolve("understudy-servers-" + uid + "-" + UUID.randomUUID()));
    }

    /** Root's folder for temporary files, or a usual one when other users cannot pass through that. */
    private static Path passableFolder(Path told) {
        return Stream.of(told, Path.of("/tmp"), Path.of("/var/tmp"))
                .filter(RunFolder::isPassable)
                .findFirst()
                .orElse(told);
    }

    private static boolean isPassable(Path folder) {
        try {
            for (Path p = folder.toRealPath(); p != null; p = p.getParent()) {
                if (!Files.getPosixFilePermissions(p).contains(PosixFilePermission.OTHERS_EXECUTE)) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            return false; // a folder that cannot be looked at cannot be used
        }
    }

    private static Path createFolder(Path folder) throws IOException {
        Files.createDirectory(folder);
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        return folder;
    }

    /** Process ids mean something only inside one namespace; containers may share a folder for temporary files. */
    private static String processNamespace() {
        try {
            return Files.readSymbolicLink(Path.of("/proc/self/ns/pid"))
                    .toString()
                    .replaceAll("[^0-9]", "");
        } catch (IOException noNamespaces) {
            return "0"; // not Linux
        }
    }
}
