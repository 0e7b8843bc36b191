package dev.understudy.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * Requests as an application made them. Immutable once read. A file has one key per line, or
 * {@code timestamp,key,key size,value size,client,operation,ttl} as the traces of Twitter's caches have it (Yang et al., "A large scale analysis of
 * hundreds of in-memory cache clusters at Twitter", OSDI 2020); {@code .gz} and {@code .xz} are unpacked.
 */
final class Trace {
    private static final int FIELDS = 7;
    private static final int KEY = 1;
    private static final int VALUE_SIZE = 3;
    private static final int OPERATION = 5;
    private static final Set<String> READS = Set.of("get", "gets");
    private static final Set<String> WRITES =
            Set.of("set", "add", "replace", "cas", "append", "prepend", "delete", "incr", "decr");

    /** Of values whose size the file does not tell. */
    private static final int USUAL_BYTES = 200;

    private static final int BYTES_MIN = 1;
    private static final int BYTES_MAX = 100_000;

    private final Map<String, Integer> ids = new HashMap<>();
    private final BitSet writes = new BitSet();
    private int[] keys = new int[1 << 16];
    private int[] bytes = new int[1 << 16];
    private int size;

    private Trace() {}

    /**
     * The first requests of a file.
     *
     * @throws IllegalArgumentException if a line is of neither form, naming its number
     */
    static Trace read(Path file, int limit) throws IOException {
        Trace trace = new Trace();
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(open(file), StandardCharsets.UTF_8))) {
            String line = lines.readLine();
            while (line != null && trace.size < limit) {
                trace.add(line);
                line = lines.readLine();
            }
        }
        trace.ids.clear();
        return trace;
    }

    private static InputStream open(Path file) throws IOException {
        InputStream raw = Files.newInputStream(file);
        String name = file.toString();
        if (name.endsWith(".gz")) {
            return new GZIPInputStream(raw);
        }
        return name.endsWith(".xz") ? new XZInputStream(raw) : raw;
    }

    private void add(String line) {
        String[] fields = line.split(",", -1);
        if (fields.length == 1) {
            add(line.trim(), USUAL_BYTES, false);
        } else if (fields.length == FIELDS) {
            String operation = fields[OPERATION];
            if (!READS.contains(operation) && !WRITES.contains(operation)) {
                throw bad("its operation is not known");
            }
            add(fields[KEY], bytes(fields[VALUE_SIZE]), WRITES.contains(operation));
        } else {
            throw bad("it has " + fields.length + " fields, not 1 or " + FIELDS);
        }
    }

    private int bytes(String field) {
        try {
            long told = Long.parseLong(field);
            if (told >= 0) {
                return (int) Math.max(BYTES_MIN, Math.min(BYTES_MAX, told));
            }
        } catch (NumberFormatException e) { // the same as a negative size
        }
        throw bad("its value size is not a number of bytes");
    }

    private void add(String key, int valueBytes, boolean isWrite) {
        if (key.isEmpty()) {
            throw bad("it has no key");
        }
        if (size == keys.length) {
            keys = Arrays.copyOf(keys, 2 * size);
            bytes = Arrays.copyOf(bytes, 2 * size);
        }
        Integer known = ids.putIfAbsent(key, ids.size());
        keys[size] = known == null ? ids.size() - 1 : known;
        bytes[size] = valueBytes;
        writes.set(size, isWrite);
        size++;
    }

    private IllegalArgumentException bad(String reason) {
        return new IllegalArgumentException("line " + (size + 1) + " of the trace is of no known form: " + reason);
    }

    /** Requests. */
    int size() {
        return size;
    }

    /** Distinct keys; each is a number from 0 to below that, in the order of its first request. */
    int distinct() {
        return Arrays.stream(keys, 0, size).max().orElse(-1) + 1;
    }

    /** The key of a request. */
    int key(int request) {
        return keys[request];
    }

    /** Bytes of the value, {@value #BYTES_MIN} to {@value #BYTES_MAX}. */
    int bytes(int request) {
        return bytes[request];
    }

    boolean isWrite(int request) {
        return writes.get(request);
    }
}
