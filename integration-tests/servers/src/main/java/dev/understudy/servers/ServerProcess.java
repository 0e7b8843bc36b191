package dev.understudy.servers;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/** One run of a server's process with its descendants, from start to end. Thread-safe. */
final class ServerProcess {
    private static final Duration KILL_LIMIT = Duration.ofMinutes(1);
    private static final int LOG_TAIL_LINES = 20;

    private final Process process;
    private final Path log;
    private volatile ProcessHandle main;

    private ServerProcess(Process process, Path log) {
        this.process = process;
        this.log = log;
        this.main = process.toHandle();
    }

    /** Starts a process that writes to {@code log} and dies with this JVM. */
    static ServerProcess start(List<String> command, Path folder, Path log) throws IOException {
        RunFolder run = RunFolder.current();
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.from(new File("/dev/null")))
                .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
        builder.environment().keySet().removeIf(name -> name.startsWith("PG"));
        ServerProcess started = new ServerProcess(builder.start(), log);
        run.register(started);
        run.watch(started.main);
        return started;
    }

    /** Takes another process than the one started as the server's own, when a wrapper started it. */
    void main(long pid) {
        if (pid != main.pid()) {
            main = ProcessHandle.of(pid).orElse(main);
            RunFolder.current().watch(main);
        }
    }

    /** Whether the server's own process runs or is paused. */
    boolean isAlive() {
        return isAlive(main);
    }

    /** Waits until {@code ready}; fails with the tail of the log when the process ends before, or the limit passes. */
    void awaitReady(Duration limit, BooleanSupplier ready) {
        boolean done = Waiting.until(limit, () -> !process.isAlive() || ready.getAsBoolean());
        if (!process.isAlive()) {
            throw new IllegalStateException("ended at its start with code " + process.exitValue() + ":\n" + logTail());
        }
        if (!done) {
            throw new IllegalStateException("not ready after " + limit + ":\n" + logTail());
        }
    }

    /** Waits for a command that ends by itself; fails with the tail of the log unless its exit code is 0. */
    void awaitSuccess(Duration limit) {
        boolean ended = Waiting.until(limit, () -> !process.isAlive());
        kill();
        if (!ended || process.exitValue() != 0) {
            throw new IllegalStateException(
                    (ended ? "code " + process.exitValue() : "not done after " + limit) + ":\n" + logTail());
        }
    }

    /** Waits for the end of a process that was told to end; kills it when the limit passes. */
    void awaitEnd(Duration limit) {
        List<ProcessHandle> all = processes();
        Waiting.until(limit, () -> all.stream().noneMatch(ServerProcess::isAlive));
        kill();
    }

    /** Sends a signal to the server's own process. */
    void signal(String name) {
        signal(name, List.of(main));
    }

    /** SIGSTOP to all processes, the server's own first, so that it starts no others meanwhile. */
    void pause() {
        signal("STOP");
        List<ProcessHandle> all = processes();
        all.forEach(RunFolder.current()::watch);
        signal("STOP", all);
    }

    /** SIGCONT to all processes. */
    void resume() {
        List<ProcessHandle> all = processes();
        signal("CONT", all);
        all.stream().filter(p -> !p.equals(main)).forEach(RunFolder.current()::unwatch);
    }

    /** SIGKILL to all processes; returns when they are gone. */
    void kill() {
        if (isAlive(main)) {
            signal("STOP");
        }
        List<ProcessHandle> all = processes();
        all.forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        if (!Waiting.until(KILL_LIMIT, () -> all.stream().noneMatch(ServerProcess::isAlive))
                && !Thread.currentThread().isInterrupted()) {
            throw new IllegalStateException("still alive " + KILL_LIMIT + " after SIGKILL: " + all);
        }
        RunFolder run = RunFolder.current();
        all.forEach(run::unwatch);
        run.unwatch(process.toHandle());
        run.forget(this);
    }

    /** The last lines of the log. */
    String logTail() {
        try {
            // Bytes that are no text must not hide the rest.
            List<String> lines = new String(Files.readAllBytes(log), StandardCharsets.ISO_8859_1)
                    .lines()
                    .toList();
            return String.join("\n", lines.subList(Math.max(0, lines.size() - LOG_TAIL_LINES), lines.size()));
        } catch (IOException e) {
            return "(no log: " + e.getMessage() + ")";
        }
    }

    private List<ProcessHandle> processes() {
        List<ProcessHandle> all = new ArrayList<>();
        all.add(main);
        main.descendants().forEach(all::add);
        return all;
    }

    /** Sends a signal to processes; those that are gone are no error. */
    static void signal(String name, List<ProcessHandle> processes) {
        List<String> command = new ArrayList<>(List.of("sh", "-c", "kill -" + name + " \"$@\"", "kill"));
        processes.forEach(p -> command.add(Long.toString(p.pid())));
        try {
            new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot send SIG" + name, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A killed process that its parent has not waited for is a zombie: dead, though the system still lists it. */
    static boolean isAlive(ProcessHandle handle) {
        if (!handle.isAlive()) {
            return false;
        }
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(handle.pid()), "stat"));
            return !stat.substring(stat.lastIndexOf(')') + 1).stripLeading().startsWith("Z");
        } catch (IOException notLinuxOrGone) {
            return handle.isAlive();
        }
    }
}
