package dev.understudy.servers;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

/** A PostgreSQL server. Thread-safe. */
public interface PostgresServer extends TestServer {

    /** Where to connect: complete with user, and with password if there is one, for {@code DriverManager} alone. */
    String jdbcUrl();

    /** The same server's {@code database}, as complete as {@link #jdbcUrl()}. */
    String jdbcUrl(String database);

    /** The superuser, or the user that the given URL names. */
    String user();

    /**
     * Creates an empty database and returns its complete URL.
     *
     * @param name lower-case letters, digits and underscores, 40 at most; a suffix makes it unique on the server
     */
    String createDatabase(String name);

    /** The folder that holds the server's files; an embedded server only. */
    default Path dataFolder() {
        throw new UnsupportedOperationException(description() + " shows no data folder");
    }

    /** Stops the server without a checkpoint (SIGQUIT), so that the next start recovers from the log. */
    default void stopImmediate() {
        throw new UnsupportedOperationException(description() + " cannot be stopped");
    }

    /** A server of one's own, embedded and not yet started. */
    static Builder builder() {
        return new Builder();
    }

    /** Settings of an embedded PostgreSQL. Not thread-safe. */
    final class Builder {
        private final Map<String, String> settings = new LinkedHashMap<>();
        private Duration startTimeout = Duration.ofMinutes(1);

        private Builder() {
            settings.put("fsync", "on");
            settings.put("synchronous_commit", "on");
            settings.put("full_page_writes", "on");
            settings.put("wal_level", "logical");
            settings.put("max_connections", "200");
            settings.put("max_prepared_transactions", "10");
            settings.put("shared_buffers", "64MB");
        }

        /** A line of {@code postgresql.conf}; replaces the launcher's own value. */
        public Builder setting(String name, String value) {
            settings.put(name, value);
            return this;
        }

        /** How long a start may take, crash recovery included; a minute unless told. */
        public Builder startTimeout(Duration timeout) {
            startTimeout = timeout;
            return this;
        }

        /** Creates the data folder and starts the server; returns when it answers. */
        public PostgresServer start() {
            return EmbeddedPostgres.start(new LinkedHashMap<>(settings), startTimeout);
        }
    }
}
