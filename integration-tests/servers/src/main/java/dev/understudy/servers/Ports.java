package dev.understudy.servers;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;

/**
 * Free TCP ports on the loopback interface, below the range from which Linux and macOS take the local ports of outgoing
 * connections: a server that is down for a while finds its port free again.
 */
final class Ports {
    private static final int LOWEST = 20_000;
    private static final int HIGHEST = 32_000;
    private static final int TRIES = 200;
    private static final long PAUSE_NANOS = 50_000_000;

    private Ports() {}

    /** A port that was free a moment ago. */
    static int free() {
        for (int i = 0; i < TRIES; i++) {
            int port = ThreadLocalRandom.current().nextInt(LOWEST, HIGHEST);
            try (ServerSocket socket = listen(port)) {
                return socket.getLocalPort();
            } catch (IOException inUse) {
                // the next random port is as good
            }
        }
        throw new IllegalStateException(
                "no free port between " + LOWEST + " and " + HIGHEST + " in " + TRIES + " tries");
    }

    /** Waits until the port is free, at most so long: a server that was just killed may hold it for a moment more. */
    static void awaitFree(int port, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        while (System.nanoTime() - end < 0) {
            try (ServerSocket socket = listen(port)) {
                return;
            } catch (IOException inUse) {
                LockSupport.parkNanos(PAUSE_NANOS);
            }
        }
    }

    /** Listens on a port of the loopback interface. */
    static ServerSocket listen(int port) throws IOException {
        ServerSocket socket = new ServerSocket();
        try {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(loopback(), port), 128);
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Whether a server ended at its start because another one had its port. */
    static boolean isTaken(IllegalStateException failure) {
        String message = String.valueOf(failure.getMessage());
        return message.contains("Address already in use") || message.contains("Address in use");
    }

    /** 127.0.0.1, also where the name localhost means something else. */
    static InetAddress loopback() throws IOException {
        return InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    }
}
