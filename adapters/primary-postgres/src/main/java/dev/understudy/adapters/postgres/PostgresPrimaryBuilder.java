package dev.understudy.adapters.postgres;

import dev.understudy.model.Invalid;
import dev.understudy.spi.DrainLedger;
import dev.understudy.spi.Primary;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;
import javax.sql.DataSource;

/** Options of a {@link PostgresPrimary}; each may be given once. Not thread-safe. */
public final class PostgresPrimaryBuilder implements Supplier<Primary> {
    /** The size of a pool that does not tell. */
    static final int DEFAULT_CONNECTIONS = 10;

    private static final Duration RETENTION_LEAST = DrainLedger.RESTORE_WINDOW.multipliedBy(2);

    final DataSource dataSource;
    Optional<DataSource> drainDataSource = Optional.empty();
    Duration statementTimeout = Duration.ofMinutes(1);
    Duration tombstoneRetention = RETENTION_LEAST;
    String ledgerSchema = "";
    String ledgerPrefix = "us_";

    private OptionalInt connections = OptionalInt.empty();
    private final Set<String> given = new HashSet<>();

    PostgresPrimaryBuilder(DataSource dataSource) {
        this.dataSource = dataSource;
    }

    /**
     * How many connections the data source has: loads take half of them, commits a quarter, the drain one. Default: the
     * maximum of a HikariCP pool, else {@value #DEFAULT_CONNECTIONS}. At least 1.
     */
    public PostgresPrimaryBuilder connections(int number) {
        once("connections");
        if (number < 1) {
            throw new Invalid("connections " + number + " is below 1");
        }
        connections = OptionalInt.of(number);
        return this;
    }

    /** A data source of the drain's own, of one connection; it stays the caller's to close. Default: shared with the rest. */
    public PostgresPrimaryBuilder drainDataSource(DataSource own) {
        once("drainDataSource");
        drainDataSource = Optional.of(own);
        return this;
    }

    /** The longest that any call may take, whatever its own timeout. 1 ms to 1 hour; default 1 minute. */
    public PostgresPrimaryBuilder statementTimeout(Duration timeout) {
        once("statementTimeout");
        statementTimeout = within("statementTimeout", timeout, Duration.ofMillis(1), Duration.ofHours(1));
        return this;
    }

    /**
     * How long deletes are remembered. 10 minutes, which is twice {@link DrainLedger#RESTORE_WINDOW}, to 7 days; default 10 minutes.
     */
    public PostgresPrimaryBuilder tombstoneRetention(Duration retention) {
        once("tombstoneRetention");
        tombstoneRetention = within("tombstoneRetention", retention, RETENTION_LEAST, Duration.ofDays(7));
        return this;
    }

    /** The schema of the library's own tables. Default: the first of the search path. */
    public PostgresPrimaryBuilder ledgerSchema(String schema) {
        once("ledgerSchema");
        Identifier.quoted("schema", schema);
        ledgerSchema = schema;
        return this;
    }

    /** What the names of the library's own tables begin with. Default {@code us_}. */
    public PostgresPrimaryBuilder ledgerPrefix(String prefix) {
        once("ledgerPrefix");
        Identifier.quoted("table", prefix + "dead_letter_cache_key_version_key");
        ledgerPrefix = prefix;
        return this;
    }

    /** The primary; nothing is sent to the server yet. */
    public PostgresPrimary build() {
        return new PostgresPrimary(this);
    }

    /** The same as {@link #build}, for {@code Understudy.builder().primary(...)}. */
    @Override
    public Primary get() {
        return build();
    }

    int poolSize() {
        return connections.orElse(HikariPool.size(dataSource).orElse(DEFAULT_CONNECTIONS));
    }

    private void once(String option) {
        if (!given.add(option)) {
            throw new Invalid("option " + option + " is given twice");
        }
    }

    private static Duration within(String option, Duration value, Duration least, Duration most) {
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw new Invalid(option + " " + value + " is outside " + least + " to " + most);
        }
        return value;
    }
}
