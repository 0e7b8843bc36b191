package dev.understudy.servers;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A Redis, or a server that speaks its protocol. Thread-safe. */
public interface RedisServer extends TestServer {

    /** Where to connect, {@code redis://[user:password@]host:port}. */
    String uri();

    /** The folder that holds the server's files; an embedded server only. */
    default Path dataFolder() {
        throw new UnsupportedOperationException(description() + " shows no data folder");
    }

    /** The newest incremental append-only file and its size now; an embedded server only. */
    default AppendLog appendLog() {
        throw new UnsupportedOperationException(description() + " shows no append-only file");
    }

    /**
     * Kills the server and cuts its append-only file back to what it was at {@code kept}: what a power loss leaves when the
     * system had written nothing more since then. SIGKILL alone loses nothing, because the page cache survives it.
     *
     * @throws IllegalStateException if the server began another file since {@code kept} was taken
     */
    default void killLosing(AppendLog kept) {
        throw new UnsupportedOperationException(description() + " shows no append-only file");
    }

    /** A server of one's own, embedded and not yet started. */
    static Builder builder() {
        return new Builder();
    }

    /**
     * An append-only file at one moment.
     *
     * @param file the newest incremental file
     * @param bytes its size
     */
    record AppendLog(Path file, long bytes) {}

    /** When Redis forces its append-only file to disk. */
    enum AppendFsync {
        /** Before each reply. */
        ALWAYS,
        /** Once a second. */
        EVERYSEC,
        /** Whenever the system does. */
        NO
    }

    /** Settings of an embedded Redis. Not thread-safe. */
    final class Builder {
        private final List<String> arguments = new ArrayList<>();
        private AppendFsync appendFsync = AppendFsync.EVERYSEC;
        private Duration startTimeout = Duration.ofMinutes(1);

        private Builder() {}

        /** When the append-only file is forced to disk; {@code EVERYSEC} unless told. */
        public Builder appendFsync(AppendFsync policy) {
            appendFsync = policy;
            return this;
        }

        /** Further command line arguments, such as {@code "--maxmemory", "64mb"}; added to those of earlier calls. */
        public Builder arguments(String... more) {
            arguments.addAll(List.of(more));
            return this;
        }

        /** Follows another server as its replica; it answers before it has caught up. */
        public Builder replicaOf(String host, int port) {
            return arguments("--replicaof", host, Integer.toString(port));
        }

        /** How long a start may take, loading the append-only file included; a minute unless told. */
        public Builder startTimeout(Duration timeout) {
            startTimeout = timeout;
            return this;
        }

        /** Starts the server; returns when it answers. */
        public RedisServer start() {
            return EmbeddedRedis.start(appendFsync, List.copyOf(arguments), startTimeout);
        }
    }
}
