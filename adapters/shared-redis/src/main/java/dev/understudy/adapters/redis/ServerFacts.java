package dev.understudy.adapters.redis;

import dev.understudy.model.Invalid;
import dev.understudy.model.Tier;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a server says of itself in INFO and CONFIG GET. Immutable.
 *
 * @param info the fields of INFO's sections server, replication, memory, persistence and cluster
 * @param config settings by name; none if CONFIG GET is not allowed
 */
record ServerFacts(Map<String, String> info, Map<String, String> config) {
    static final String APPEND_FSYNC = "appendfsync";
    static final String NO_FSYNC_ON_REWRITE = "no-appendfsync-on-rewrite";

    /** Of nobody. */
    static final ServerFacts NONE = new ServerFacts(Map.of(), Map.of());

    private static final int OLDEST_MAJOR = 7;
    /** The first release that certainly carries redis/redis#13793, without which WAITAOF returns before the fsync. */
    private static final int WAITAOF_MAJOR = 8;

    static Map<String, String> parsed(String info) {
        Map<String, String> fields = new HashMap<>();
        info.lines().forEach(line -> {
            int colon = line.indexOf(':');
            if (colon > 0 && line.charAt(0) != '#') {
                fields.put(line.substring(0, colon), line.substring(colon + 1));
            }
        });
        return Map.copyOf(fields);
    }

    /**
     * Refuses a server that cannot hold the shared replica.
     *
     * @throws Invalid with what is wrong
     */
    void verify(String where) {
        String version = field("redis_version", "0");
        if (major(version) < OLDEST_MAJOR) {
            throw refused("the server at " + where + " is Redis " + version + "; 7.0 or newer is needed");
        }
        if (!field("role", "").equals("master")) {
            throw refused("the server at " + where + " is a replica (role " + field("role", "unknown")
                    + "); the primary is needed");
        }
        if (field("redis_mode", "standalone").equals("cluster")
                || field("cluster_enabled", "0").equals("1")) {
            throw refused("the server at " + where + " runs in cluster mode, which is not supported");
        }
    }

    /** Whether it still reads its data from disk. */
    boolean isLoading() {
        return field("loading", "0").equals("1") || field("async_loading", "0").equals("1");
    }

    /**
     * 48 bits that differ after a restart or failover: of SHA-256 over the run, and what the server took over when it was last made a primary. Its
     * replication id is no part of it, as that changes under a running server: when its first replica comes, and when it has had none for an hour
     * (Redis, {@code changeReplicationId}).
     */
    long era() {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256")
                    .digest((field("run_id", "") + ":" + field("master_replid2", "") + ":"
                                    + field("second_repl_offset", ""))
                            .getBytes(StandardCharsets.UTF_8));
            long era = 0;
            for (int i = 0; i < 6; i++) {
                era = era << 8 | (digest[i] & 0xff);
            }
            return era;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The eviction policy if it may evict keys without expiry, among them pending writes. */
    Optional<String> evictingPolicy() {
        String policy = field("maxmemory_policy", "unknown");
        return policy.equals("noeviction") || policy.startsWith("volatile-") ? Optional.empty() : Optional.of(policy);
    }

    /** {@code maxmemory}; empty if there is none. */
    OptionalLong memoryLimit() {
        try {
            long bytes = Long.parseLong(field("maxmemory", "0").trim());
            return bytes > 0 ? OptionalLong.of(bytes) : OptionalLong.empty();
        } catch (NumberFormatException e) { // not a number: nothing known
            return OptionalLong.empty();
        }
    }

    boolean isAppendOnly() {
        return field("aof_enabled", "0").equals("1");
    }

    /** The setting {@code appendfsync}; empty if it is not told. */
    Optional<String> appendFsync() {
        return Optional.ofNullable(config.get(APPEND_FSYNC));
    }

    /** Whether it does not force the append-only file to disk while it rewrites it: what it then acknowledges a crash may take. */
    boolean restsFsyncOnRewrite() {
        return "yes".equals(config.get(NO_FSYNC_ON_REWRITE));
    }

    int replicas() {
        return number(field("connected_slaves", "0"));
    }

    /** Whether WAITAOF is known to wait for the fsync; of Valkey it is not known. */
    boolean hasTrustedWaitAof() {
        return !isValkey() && major(field("redis_version", "0")) >= WAITAOF_MAJOR;
    }

    /** Name and version, for people. */
    String product() {
        return isValkey()
                ? "Valkey " + field("valkey_version", "of unknown version")
                : "Redis " + field("redis_version", "of unknown version");
    }

    private boolean isValkey() {
        return field("server_name", "redis").equals("valkey") || info.containsKey("valkey_version");
    }

    private String field(String name, String otherwise) {
        return info.getOrDefault(name, otherwise);
    }

    private static Invalid refused(String message) {
        return new Invalid(message, null, Tier.SHARED);
    }

    private static int major(String version) {
        int dot = version.indexOf('.');
        return number(dot < 0 ? version : version.substring(0, dot));
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text.trim());
        } catch (NumberFormatException e) { // not a number: nothing known, which is the careful answer
            return 0;
        }
    }
}
