package dev.understudy.torture;

import dev.understudy.model.ShardKey;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Hears what the instances of this process report lost in the log, while it is open; the rest of standard error goes on. Thread-safe. */
final class LossReports implements AutoCloseable {
    private static final Pattern REPORT =
            Pattern.compile("(\\d+) acknowledged write-backs of entry are lost.*hashes of their keys: ([0-9a-f ]+)");

    private final PrintStream before = System.err;
    private final StringBuilder heard = new StringBuilder();
    private final ByteArrayOutputStream line = new ByteArrayOutputStream();

    LossReports() {
        System.setErr(new PrintStream(
                new OutputStream() {
                    @Override
                    public void write(int b) {
                        hear(b);
                    }
                },
                true,
                StandardCharsets.UTF_8));
    }

    private synchronized void hear(int b) {
        line.write(b);
        if (b == '\n') {
            String text = line.toString(StandardCharsets.UTF_8);
            line.reset();
            if (REPORT.matcher(text).find()) {
                heard.append(text);
            } else {
                before.print(text);
            }
        }
    }

    /** How often each hash was reported. */
    synchronized Map<Long, Long> byHash() {
        Map<Long, Long> counts = new HashMap<>();
        Matcher report = REPORT.matcher(heard);
        while (report.find()) {
            String[] hashes = report.group(2).split(" ", -1);
            if (Integer.parseInt(report.group(1)) != hashes.length) {
                throw new IllegalStateException(report.group(1) + " losses with " + hashes.length + " hashes");
            }
            for (String hash : hashes) {
                counts.merge(HexFormat.fromHexDigitsToLong(hash), 1L, Long::sum);
            }
        }
        return counts;
    }

    /** The hash that stands for a key. */
    static long hash(String key) {
        return ShardKey.of(key, 1).hash();
    }

    @Override
    public void close() {
        System.setErr(before);
    }
}
