package dev.understudy.servers;

/**
 * A real server, and the ways to break it.
 *
 * <p>A server that this process did not start itself can be used, and cannot be broken: its methods from {@link #start()} on
 * throw {@link UnsupportedOperationException} with the name of the server and the way to get one that can. Implementations
 * are thread-safe. All waits are bounded by a minute and end in {@link IllegalStateException} with the tail of the log.
 */
public interface TestServer extends AutoCloseable {

    /** What this server is, for people: origin, product and version, without credentials. */
    String description();

    /** Host name or address to connect to. */
    String host();

    /** TCP port to connect to; stays the same over {@link #start()}. */
    int port();

    /** Whether this process started the server, so that it may be emptied. */
    boolean isOwned();

    /** Starts the stopped or killed server on the same data folder and port; returns when it answers. */
    default void start() {
        throw unsupported("started");
    }

    /** Stops the server in an orderly way; returns when its processes are gone. */
    default void stop() {
        throw unsupported("stopped");
    }

    /** Kills all processes of the server with SIGKILL; returns when they are gone. */
    default void kill() {
        throw unsupported("killed");
    }

    /** Stops all processes of the server with SIGSTOP: connections stay open, and nobody answers. */
    default void pause() {
        throw unsupported("paused");
    }

    /** Lets a paused server go on; without effect on a running one. */
    default void resume() {
        throw unsupported("resumed");
    }

    /** {@link #stop()}, then {@link #start()}. */
    default void restart() {
        stop();
        start();
    }

    /** Ends the server and removes its data, if this process started it; else gives back only what it created there. */
    @Override
    void close();

    private UnsupportedOperationException unsupported(String verb) {
        return new UnsupportedOperationException(description() + " cannot be " + verb
                + "; RedisServer.builder() and PostgresServer.builder() start servers that can");
    }
}
