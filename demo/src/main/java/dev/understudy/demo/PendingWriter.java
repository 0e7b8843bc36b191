package dev.understudy.demo;

import dev.understudy.model.Write;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * The process that is killed: writes back, tells how many writes were acknowledged, and never drains.
 *
 * <p>Its standard input brings the lines of an {@link Address}; its arguments are the number of keys and of writes. It then waits for its
 * end.
 */
final class PendingWriter {
    /** What its line begins with that tells the number of acknowledged writes. */
    static final String ACKED = "acknowledged ";

    private PendingWriter() {}

    /** The key of a write: the keys 1 to {@code keys} in turn. */
    static long keyOf(int write, int keys) {
        return 1L + (write - 1) % keys;
    }

    /** Runs until it is killed. */
    public static void main(String[] arguments) throws IOException {
        int keys = Integer.parseInt(arguments[0]);
        int writes = Integer.parseInt(arguments[1]);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Address address = Address.read(() -> input.lines().iterator());
        try (Instance instance = Instance.open(address, 0, false)) {
            for (int write = 1; write <= writes; write++) {
                instance.products().save(Product.written(keyOf(write, keys), write), Write.back());
            }
            System.out.println(ACKED + writes);
            input.readLine();
        }
    }
}
