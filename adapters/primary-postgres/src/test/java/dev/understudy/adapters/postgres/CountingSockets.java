package dev.understudy.adapters.postgres;

import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.SocketFactory;

/**
 * Sockets that count the round trips of the driver, for the URL option {@code socketFactory}: the {@code Sync} messages, after which it
 * reads until the server is ready again. BEGIN is sent without one, in front of the first statement. Thread-safe; the count is that of the JVM. Source: Postgres documentation, "Message Formats".
 */
public final class CountingSockets extends SocketFactory {
    /** To be added to a URL; the server must be asked for neither TLS nor GSS encryption. */
    static final String OPTIONS =
            "&sslmode=disable&gssEncMode=disable&socketFactory=" + CountingSockets.class.getName();

    private static final byte SYNC = 'S';
    private static final AtomicInteger ROUND_TRIPS = new AtomicInteger();

    /** How many there were since this was asked last. */
    static int roundTrips() {
        return ROUND_TRIPS.getAndSet(0);
    }

    @Override
    public Socket createSocket() {
        return new Socket() {
            @Override
            public OutputStream getOutputStream() throws IOException {
                return new Requests(super.getOutputStream());
            }
        };
    }

    @Override
    public Socket createSocket(String host, int port) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort) {
        throw new UnsupportedOperationException();
    }

    /** Messages of a type, a length and a body, but the first, which has no type. Confined to the thread of its connection. */
    private static final class Requests extends FilterOutputStream {
        private final byte[] header = new byte[5];
        private int typeBytes;
        private int read;
        private int bodyLeft;

        Requests(OutputStream out) {
            super(out);
        }

        @Override
        public void write(int b) throws IOException {
            out.write(b);
            see((byte) b);
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            out.write(bytes, from, length);
            for (int i = from; i < from + length; i++) {
                see(bytes[i]);
            }
        }

        private void see(byte b) {
            if (bodyLeft > 0) {
                bodyLeft--;
                return;
            }
            header[read++] = b;
            if (read == typeBytes + 4) {
                bodyLeft = ByteBuffer.wrap(header, typeBytes, 4).getInt() - 4;
                if (typeBytes == 1 && header[0] == SYNC) {
                    ROUND_TRIPS.incrementAndGet();
                }
                typeBytes = 1;
                read = 0;
            }
        }
    }
}
