package dev.understudy.servers;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A TCP proxy on the loopback interface whose network can be broken: for clients that are to meet faults which their server
 * does not have. Thread-safe.
 *
 * <h2>Modes</h2>
 *
 * <table>
 * <caption>What a client meets</caption>
 * <tr><th>{@link #pass()}</th><td>the server</td></tr>
 * <tr><th>{@link #refuse()}</th><td>connections are reset, new ones refused</td></tr>
 * <tr><th>{@link #blackhole()}</th><td>connections stay open, new ones are accepted, no byte gets through</td></tr>
 * <tr><th>{@link #holdReplies()}</th><td>the server gets all requests; its replies do not come back</td></tr>
 * </table>
 *
 * {@link #messages} breaks what Redis publishes and leaves the answers to commands as they are.
 *
 * <p>As in a network that heals, bytes held back in the last two modes are delivered when the mode is left for {@code pass},
 * and lost when connections are {@link #cut()} before.
 *
 * <h2>Bounds and threads</h2>
 *
 * At most {@value #CONNECTIONS_MAX} connections at a time; further ones are closed at once. Two daemon threads per
 * connection and one that accepts; all have ended soon after {@link #close()}. Each copies chunks of up to 64 KiB; where messages are told from answers, whole replies, and one more
 * thread of the proxy writes the messages that are late.
 */
public final class TcpProxy implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TcpProxy.class);
    private static final int CONNECTIONS_MAX = 512;
    private static final int CHUNK_BYTES = 1 << 16;
    private static final long SLICE_NANOS = 50_000;
    private static final int CONNECT_MILLIS = 5_000;
    private static final long STOP_NANOS = TimeUnit.SECONDS.toNanos(5);

    private volatile InetSocketAddress target;
    private final int port;

    @GuardedBy("this")
    private final Set<Connection> connections = new LinkedHashSet<>();

    @GuardedBy("this")
    private @Nullable ServerSocket listener;

    @GuardedBy("this")
    private int acceptors;

    @GuardedBy("this")
    private Mode mode = Mode.PASS;

    @GuardedBy("this")
    private boolean closed;

    private volatile long latencyNanos;
    private volatile long answerNanos;
    private volatile int sliceBytes;
    private volatile @Nullable Messages messages;
    private final LateMessages late;
    private final LongAdder lost = new LongAdder();
    private final LongAdder delayed = new LongAdder();
    private final LongAdder twice = new LongAdder();

    /** What becomes of a message that Redis publishes. Called by the proxy's threads. */
    @FunctionalInterface
    public interface Messages {
        /** Every message arrives once, at once. */
        Messages PASS = frame -> List.of(Duration.ZERO);

        /**
         * How late each copy of a message arrives: nothing for a message that is lost.
         *
         * @param frame the message as Redis serializes it, with its channel
         */
        List<Duration> copies(byte[] frame);
    }

    private TcpProxy(InetSocketAddress target, int port) {
        this.target = target;
        this.port = port;
        this.late = new LateMessages("tcp-proxy-" + port + "-late");
    }

    /** A proxy in front of a server, on a free port, that lets everything pass. */
    public static TcpProxy to(String host, int port) {
        TcpProxy proxy = new TcpProxy(new InetSocketAddress(host, port), Ports.free());
        proxy.listen();
        return proxy;
    }

    /** A proxy in front of a server, on a free port, that lets everything pass. */
    public static TcpProxy to(TestServer server) {
        return to(server.host(), server.port());
    }

    /** Has connections from now on lead to another server; those that are open stay where they are. */
    public void target(TestServer server) {
        target = new InetSocketAddress(server.host(), server.port());
    }

    /** Address to connect to instead of the server's. */
    public String host() {
        return "127.0.0.1";
    }

    /** Port to connect to instead of the server's; stays the same in all modes. */
    public int port() {
        return port;
    }

    /** {@code redis://host:port} of the proxy. */
    public String redisUri() {
        return "redis://" + host() + ":" + port;
    }

    /** {@code url}, a complete one of the server behind, with the proxy's host and port. */
    public String jdbcUrl(String url) {
        return url.replaceFirst("//[^/?]+", "//" + host() + ":" + port);
    }

    /** Forwards everything, what was held back first. */
    public synchronized void pass() {
        mode(Mode.PASS);
        listen();
    }

    /** Resets all connections and refuses new ones. */
    public synchronized void refuse() {
        mode(Mode.REFUSE);
        stopListening();
        cut();
    }

    /** Holds back all bytes in both directions. */
    public synchronized void blackhole() {
        mode(Mode.BLACKHOLE);
        listen();
    }

    /** Forwards requests and holds back replies. */
    public synchronized void holdReplies() {
        mode(Mode.HOLD_REPLIES);
        listen();
    }

    /** Resets all connections; the mode stays. */
    public synchronized void cut() {
        List.copyOf(connections).forEach(Connection::reset);
        connections.clear();
        notifyAll();
    }

    /** Delays each chunk by {@code delay} in each direction; zero for none. */
    public void latency(Duration delay) {
        latencyNanos = delay.toNanos();
    }

    /**
     * Decides over every message that Redis publishes from now on, on connections made after the first call. The server behind must be a
     * Redis, its connections not encrypted.
     */
    public void messages(Messages rule) {
        messages = rule;
    }

    /** Delays what Redis answers on connections that have not subscribed, those that {@link #messages} tells apart; zero for none. */
    public void answersLate(Duration delay) {
        answerNanos = delay.toNanos();
    }

    /** Forwards so many bytes at a time, in both directions, with a pause after each slice; 0 for as they come. */
    public void slices(int bytes) {
        sliceBytes = bytes;
    }

    /** Resets the connections that have subscribed to a channel, as far as they were made after the first call of {@link #messages}. */
    public synchronized void cutSubscribers() {
        List<Connection> subscribers =
                connections.stream().filter(connection -> connection.subscribed).toList();
        subscribers.forEach(Connection::reset);
        subscribers.forEach(connections::remove);
        notifyAll();
    }

    /** How many messages have been lost. */
    public long lost() {
        return lost.sum();
    }

    /** How many copies of messages were to arrive late. */
    public long late() {
        return delayed.sum();
    }

    /** How many messages arrived more than once. */
    public long twice() {
        return twice.sum();
    }

    /** How many connections are open through the proxy. */
    public synchronized int connections() {
        return connections.size();
    }

    /** Resets all connections, stops listening and ends the threads. */
    @Override
    public synchronized void close() {
        closed = true;
        mode = Mode.REFUSE;
        stopListening();
        cut();
        late.close();
    }

    @GuardedBy("this")
    private void mode(Mode next) {
        if (closed) {
            throw new IllegalStateException("the proxy is closed");
        }
        mode = next;
        notifyAll();
    }

    private synchronized void listen() {
        if (listener != null) {
            return;
        }
        try {
            ServerSocket socket = Ports.listen(port);
            listener = socket;
            acceptors++;
            daemon("accept", () -> accept(socket));
        } catch (IOException e) {
            throw new UncheckedIOException("the proxy cannot listen on port " + port, e);
        }
    }

    /** Stops listening; afterwards connections are refused. */
    @GuardedBy("this")
    private void stopListening() {
        if (listener == null) {
            return;
        }
        closeQuietly(listener);
        listener = null;
        // the kernel goes on listening until the thread that is inside accept has left it
        long end = System.nanoTime() + STOP_NANOS;
        try {
            for (long left = STOP_NANOS;
                    acceptors > 0 && listener == null && left > 0;
                    left = end - System.nanoTime()) {
                TimeUnit.NANOSECONDS.timedWait(this, left);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void accept(ServerSocket socket) {
        try {
            while (true) {
                Connection connection = new Connection(socket.accept());
                synchronized (this) {
                    if (closed || mode == Mode.REFUSE || connections.size() >= CONNECTIONS_MAX) {
                        connection.reset();
                        continue;
                    }
                    connections.add(connection);
                }
                daemon("connection", connection::run);
            }
        } catch (IOException listenerClosed) {
            synchronized (this) {
                acceptors--;
                notifyAll();
            }
        }
    }

    private void daemon(String what, Runnable work) {
        Thread thread = new Thread(work, "tcp-proxy-" + port + "-" + what);
        thread.setDaemon(true);
        thread.start();
    }

    /** Waits until bytes of this direction may go on. */
    private synchronized void awaitOpen(Connection connection, boolean reply) throws InterruptedException {
        while (!connection.ended && (mode == Mode.BLACKHOLE || (mode == Mode.HOLD_REPLIES && reply))) {
            TimeUnit.MILLISECONDS.timedWait(this, 1_000);
        }
    }

    private static void closeQuietly(AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (Exception e) {
            LOG.debug("a socket of the proxy failed to close: {}", e.getMessage());
        }
    }

    private enum Mode {
        PASS,
        REFUSE,
        BLACKHOLE,
        HOLD_REPLIES
    }

    /** A client's connection and the one behind it. */
    private final class Connection {
        private final Socket client;
        private final Socket server = new Socket();
        private final boolean isFramed = messages != null;
        private final RespFrames frames = new RespFrames();
        private volatile boolean ended;
        private volatile boolean subscribed;

        private Connection(Socket client) {
            this.client = client;
        }

        /** Connects to the server, and copies requests in this thread and replies in another. */
        private void run() {
            try {
                awaitOpen(this, false);
                client.setTcpNoDelay(true);
                server.setTcpNoDelay(true);
                server.connect(target, CONNECT_MILLIS);
            } catch (IOException e) {
                end(true); // the server is away: so is the proxy for this client
                return;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                end(true);
                return;
            }
            daemon("replies", () -> copy(server, client, true));
            copy(client, server, false);
        }

        private void copy(Socket from, Socket to, boolean reply) {
            byte[] chunk = new byte[CHUNK_BYTES];
            try {
                while (!ended) {
                    int length = from.getInputStream().read(chunk);
                    long delay = latencyNanos + (reply && isFramed && !subscribed ? answerNanos : 0);
                    if (delay > 0) {
                        LockSupport.parkNanos(delay);
                    }
                    awaitOpen(this, reply);
                    if (length < 0) {
                        break;
                    }
                    if (reply && isFramed) {
                        tell(chunk, length);
                    } else {
                        write(to, chunk, length);
                    }
                }
                end(false);
            } catch (IOException broken) {
                end(true); // one side is gone: the other learns of it as a reset
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                end(true);
            }
        }

        private void tell(byte[] chunk, int length) throws IOException {
            frames.add(chunk, length);
            for (Optional<byte[]> frame = frames.next(); frame.isPresent(); frame = frames.next()) {
                Messages rule = messages;
                if (rule != null && RespFrames.isMessage(frame.get())) {
                    publish(frame.get(), rule.copies(frame.get()));
                } else {
                    subscribed |= RespFrames.isSubscription(frame.get());
                    write(frame.get());
                }
            }
        }

        private void publish(byte[] frame, List<Duration> copies) throws IOException {
            if (copies.isEmpty()) {
                lost.increment();
            } else if (copies.size() > 1) {
                twice.increment();
            }
            for (Duration delay : copies) {
                if (delay.isZero()) {
                    write(frame);
                } else {
                    delayed.increment();
                    late.in(delay, () -> writeLate(frame));
                }
            }
        }

        private void writeLate(byte[] frame) {
            try {
                awaitOpen(this, true);
                if (!ended) {
                    write(frame);
                }
            } catch (IOException broken) {
                end(true);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        /** A frame at once, not between the bytes of another. */
        private void write(byte[] frame) throws IOException {
            synchronized (client) {
                write(client, frame, frame.length);
            }
        }

        private void write(Socket to, byte[] bytes, int length) throws IOException {
            int slice = sliceBytes;
            if (slice <= 0) {
                to.getOutputStream().write(bytes, 0, length);
                return;
            }
            for (int from = 0; from < length; from += slice) {
                to.getOutputStream().write(bytes, from, Math.min(slice, length - from));
                LockSupport.parkNanos(SLICE_NANOS);
            }
        }

        private void end(boolean reset) {
            if (reset) {
                reset();
            } else {
                ended = true;
                closeQuietly(client);
                closeQuietly(server);
            }
            synchronized (TcpProxy.this) {
                connections.remove(this);
            }
        }

        private void reset() {
            ended = true;
            for (Socket socket : List.of(client, server)) {
                try {
                    socket.setSoLinger(true, 0);
                } catch (IOException alreadyClosed) {
                    LOG.debug("a connection of the proxy was closed before its reset");
                }
                closeQuietly(socket);
            }
        }
    }
}
