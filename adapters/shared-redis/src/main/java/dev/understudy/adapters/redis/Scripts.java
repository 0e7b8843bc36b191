package dev.understudy.adapters.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * The Lua scripts that do all work in Redis, one shard per call. Their arguments and answers are in the header of each
 * {@code .lua} resource, the byte layout in {@code prelude.lua}. Immutable.
 */
final class Scripts {
    /** The script may run when the server is out of memory: it frees what is pending, or replaces what is there. */
    private static final String ALLOWED_OUT_OF_MEMORY = "#!lua flags=allow-oom\n";
    /** The server refuses the script when it is out of memory, before it changes anything. */
    private static final String REFUSED_OUT_OF_MEMORY = "#!lua\n";

    static final Script OPEN = of("open", "prelude");
    static final Script DISTRUST = of("distrust", "prelude");
    static final Script PREPARE = of("prepare", "prelude", "entry");
    static final Script RENEW = of("renew", "prelude", "entry");
    static final Script APPLY = of("apply", "prelude", "entry");
    static final Script LEASE = of("lease", "prelude", "entry");
    static final Script FILL = of("fill", "prelude", "entry");
    static final Script WRITEBACK = of("writeback", "prelude", "entry");
    static final Script RESTORE = of("restore", "prelude", "entry");
    static final Script PEEK = of("peek", "prelude", "entry");
    static final Script DRAINED = of("drained", "prelude", "entry");
    static final Script INVAL = of("inval", "prelude", "entry");
    static final Script LOST = of("lost", "prelude", "entry");
    static final Script STATUS = of("status", "prelude");

    static final List<Script> ALL = List.of(
            OPEN, DISTRUST, PREPARE, RENEW, APPLY, LEASE, FILL, WRITEBACK, RESTORE, PEEK, DRAINED, INVAL, LOST, STATUS);

    private Scripts() {}

    /**
     * One script as Redis gets it. Immutable.
     *
     * @param name its resource's name
     * @param text with the flags line
     * @param sha1 of the text, 40 hexadecimal digits, as EVALSHA takes it
     */
    record Script(String name, String text, String sha1) {
        Script(String name, String text) {
            this(name, text, sha1(text));
        }

        private static String sha1(String text) {
            try {
                byte[] digest = MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.UTF_8));
                return HexFormat.of().formatHex(digest);
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-1", e);
            }
        }
    }

    private static Script of(String name, String... before) {
        StringBuilder text =
                new StringBuilder(name.equals("writeback") ? REFUSED_OUT_OF_MEMORY : ALLOWED_OUT_OF_MEMORY);
        for (String part : before) {
            text.append(resource(part));
        }
        return new Script(name, text.append(resource(name)).toString());
    }

    private static String resource(String name) {
        try (InputStream in = Scripts.class.getResourceAsStream(name + ".lua")) {
            if (in == null) {
                throw new IllegalStateException("the script " + name + ".lua is not in the archive");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException("the script " + name + ".lua cannot be read", e);
        }
    }
}
