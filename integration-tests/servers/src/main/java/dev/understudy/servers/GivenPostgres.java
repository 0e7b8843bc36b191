package dev.understudy.servers;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.List;

/** A PostgreSQL that somebody else runs; databases created on it are dropped at the end. Thread-safe. */
final class GivenPostgres implements PostgresServer {
    private static final int DEFAULT_PORT = 5432;

    private final String url;

    @GuardedBy("this")
    private final List<String> created = new ArrayList<>();

    GivenPostgres(String url) {
        this.url = url;
        Databases.place(url); // refuses what is no URL of a PostgreSQL
    }

    @Override
    public String description() {
        return "given PostgreSQL at " + Databases.place(url);
    }

    @Override
    public String host() {
        return Databases.place(url).replaceFirst(":\\d+$", "");
    }

    @Override
    public int port() {
        String place = Databases.place(url);
        String port = place.substring(host().length());
        return port.isEmpty() ? DEFAULT_PORT : Integer.parseInt(port.substring(1));
    }

    @Override
    public boolean isOwned() {
        return false;
    }

    @Override
    public String jdbcUrl() {
        return url;
    }

    @Override
    public String jdbcUrl(String database) {
        return Databases.withDatabase(url, database);
    }

    @Override
    public String user() {
        return Databases.user(url);
    }

    @Override
    public synchronized String createDatabase(String name) {
        String database = Databases.create(url, name);
        created.add(database);
        return jdbcUrl(database);
    }

    @Override
    public synchronized void close() {
        created.forEach(database -> Databases.drop(url, database));
        created.clear();
    }
}
