package dev.understudy.demo;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Where an instance finds its servers. Immutable.
 *
 * @param jdbcUrl of the primary
 * @param user empty: as the URL says
 * @param password empty: as the URL says
 * @param schema in which the demo's tables are
 * @param redisUri of the shared replica
 * @param namespace in front of every key in the shared replica
 */
record Address(
        String jdbcUrl,
        Optional<String> user,
        Optional<String> password,
        String schema,
        String redisUri,
        String namespace) {
    private static final int LINES = 6;

    /** One line for each component, to be sent to another process by a way that does not show in lists of processes. */
    List<String> lines() {
        return List.of(jdbcUrl, user.orElse(""), password.orElse(""), schema, redisUri, namespace);
    }

    /** The opposite of {@link #lines}. */
    static Address read(Iterable<String> lines) {
        List<String> all = new ArrayList<>();
        for (String line : lines) {
            all.add(line);
            if (all.size() == LINES) {
                return new Address(
                        all.get(0), filled(all.get(1)), filled(all.get(2)), all.get(3), all.get(4), all.get(5));
            }
        }
        throw new IllegalStateException("an address has " + LINES + " lines, not " + all.size());
    }

    private static Optional<String> filled(String line) {
        return Optional.of(line).filter(text -> !text.isEmpty());
    }

    /** Credentials stay out of messages. */
    @Override
    public String toString() {
        return "Address[" + namespace + "]";
    }
}
